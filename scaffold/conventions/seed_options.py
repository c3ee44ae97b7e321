"""How one sets the seed of a script, as one types it."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator

from scaffold.conventions import hydra_configs, script_options
from scaffold.conventions.model import SEED_EVIDENCE, Evidence
from scaffold.conventions.script_mentions import index_script_names, scripts_in_command
from scaffold.conventions.script_options import ScriptWithImports
from scaffold.facts import Facts, paths
from scaffold.facts.config_formats import yaml_keys
from scaffold.facts.python_source import Call, literal_text

_SEED = re.compile(
    r"^(?:(?:random|rng|manual|global|train|training|start|base|init|initial|np|numpy|torch|jax|data|dataset|split|model|env|exp|run|my)[-_]?)*seeds?(?:[-_]?(?:everything|base|start|value|num|list|1))?$"
    r"|^manualseed$|^random_state$",
    re.IGNORECASE,
)
_HANDS_ON = re.compile(r"\$(@|\*|\{@\})")
_LOADS = re.compile(
    r"(yaml|toml|tomllib|tomli)\.(safe_|full_)?loads?$|params_show|OmegaConf\.load|Config\.fromfile$|merge_from_file$|load_config$|read_config$"
)
_RANDOMNESS = re.compile(r"^randomness\s*=\s*dict\([^)]*\bseed\b", re.MULTILINE)
_YACS_KEY = re.compile(r"^[ \t]*(?:_C|cfg|config|__C|C)\.((?:\w+\.)*\w*[sS][eE][eE][dD]\w*)[ \t]*=(?!=)", re.MULTILINE)
_SETTINGS = re.compile(r"config|cfg|args|params|opt")


def seed_flag(facts: Facts, path: str) -> str | None:
    """`--seed`, `seed=`, `--config.seed`, `config:KEY` where only a file sets it; None where there is none."""
    if path.endswith(".py"):
        return _python_seed_flag(facts, path)
    if paths.classify_file(path) in ("r", "julia"):
        from scaffold.conventions import r_and_julia

        return choose_plainest_option(r_and_julia.find_r_julia_seed_options(facts, path)) or _settings_key(
            facts, choose_plainest_option(r_and_julia.find_r_julia_seed_settings(facts, path)), ()
        )
    if paths.classify_file(path) != "shell" or not _HANDS_ON.search(facts.texts.get(path, "")):
        return None
    names = index_script_names(facts)
    handing = (c for c in facts.shell_commands if c.path == path and _HANDS_ON.search(c.text))
    started = (target for c in handing for target, _ in scripts_in_command(facts, c, names))
    return next((seed_flag(facts, p) for p in started if paths.classify_file(p) in ("python", "r", "julia")), None)


def find_seed_declaration(facts: Facts, path: str, flag: str | None) -> Evidence | None:
    """Where the script at `path`, or the nearest module that it imports, declares the option `flag`; None where no line names it."""
    if not flag or not flag.startswith("-") or not path.endswith(".py"):
        return None
    named = re.compile(rf"""["']{re.escape(flag)}["'/]""")
    near = facts.import_closure(path, depth=3, limit=80)
    for place in sorted(near, key=lambda p: (near[p], p)):
        if match := named.search(facts.texts.get(place, "")):
            line = facts.texts[place].count("\n", 0, match.start()) + 1
            return Evidence(path=place, line=line, text=SEED_EVIDENCE + flag)
    return None


def _python_seed_flag(facts: Facts, path: str) -> str | None:
    script = ScriptWithImports(facts, path, facts.parse(path), facts.import_closure(path, depth=3, limit=80))
    decorated = hydra_configs.find_hydra_decorator(script.source)
    if decorated is not None:
        return _hydra(script, decorated)
    return (
        choose_plainest_option(script_options.declared_options(script.source))
        or _lightning_cli(script)
        or _config_flag(script)
        or choose_plainest_option(script_options.dataclass_options(script, _SEED.match))
        or choose_plainest_option(script_options.hugging_face_options(script))
        or choose_plainest_option(script_options.inherited_options(script))
        or choose_plainest_option(script_options.generated_options(script))
        or _sacred(script)
        or _exec_override(script)
        or _flags_of_a_file(script)
        or _dotlist(script)
        or _mmengine(script)
        or _yacs(script)
        or _from_file(script)
    )


def choose_plainest_option(names: Iterable[str]) -> str | None:
    """The plainest of several options or keys: `--seed` before `--data_seed`, `seed` before `train.seed`, `seeds`."""
    seeds = [n for n in names if _SEED.match(n.lstrip("-").rpartition(".")[2])]
    return min(seeds, key=_plainness, default=None)


def _plainness(name: str) -> tuple[int, bool, bool, int, str]:
    last = name.lstrip("-").rpartition(".")[2].lower()
    return name.count("."), last != "seed", last.endswith("seeds"), len(name), name


def _hydra(script: ScriptWithImports, call: Call) -> str | None:
    """A seed of the configuration that @hydra.main composes, of a config group, or of a structured configuration."""
    facts = script.facts
    composed = hydra_configs.composed_configs(facts, script.path)
    primary = choose_plainest_option(k for c in composed[:1] for k in yaml_keys(facts.texts[c.path]))
    taken_in = (f"{c.package}.{k}".lstrip(".") for c in composed[1:] for k in yaml_keys(facts.texts[c.path]))
    key = (
        primary
        or choose_plainest_option(taken_in)
        or _group_seed(script, hydra_configs.hydra_config_folder(script.path, call))
    )
    key = key or _stored_seed(script) or choose_plainest_option(_overridden(script))
    return f"{key}=" if key else None


def _overridden(script: ScriptWithImports) -> Iterator[str]:
    """The keys that the documents' commands set when they run a script: `python train.py training.seed=42`."""
    name = script.path.rpartition("/")[2]
    for command in script.facts.shown_commands:
        if any(w == script.path or w.rpartition("/")[2] == name for w in command.words):
            yield from (w.partition("=")[0].lstrip("+") for w in command.words if "=" in w and not w.startswith("-"))


def _group_seed(script: ScriptWithImports, base: str) -> str | None:
    """A seed in the default file of a config group: `train.seed`, or `seed` where its package is the global one."""
    for path in script.facts.files_below(base) if base != "." else ():
        group, _, name = path[len(base) + 1 :].rpartition("/")
        if group and "/" not in group and name in ("default.yaml", "base.yaml"):
            text = script.facts.texts.get(path, "")
            key = choose_plainest_option(yaml_keys(text))
            if key and "." not in key:
                return key if "@package _global_" in text else f"{group}.{key}"
    return None


def _stored_seed(script: ScriptWithImports) -> str | None:
    """A seed field of a dataclass beside, or in, a module that stores structured configurations."""
    storing = [p for p, s in script.sources("store") if any(c.last == "store" for c in s.calls)]
    folders = {p.rpartition("/")[0] for p in storing}
    near = (
        s
        for p, s in script.sources(*script_options.SEED)
        if p in storing or (p.rpartition("/")[0] in folders and folders != {""})
    )
    return choose_plainest_option(field for s in near for d in s.classes for field in d.fields)


def _lightning_cli(script: ScriptWithImports) -> str | None:
    """LightningCLI, and a class that extends it, seed everything."""
    extended = {d.name for d in script.source.classes if any(b.endswith("LightningCLI") for b in d.bases)}
    return "--seed_everything" if any(c.last in {"LightningCLI", *extended} for c in script.source.calls) else None


def _config_flag(script: ScriptWithImports) -> str | None:
    """`config_flags.DEFINE_config_file("config")` lets one type `--config.seed`."""
    defines = (c for c in script.source.calls if c.last in ("DEFINE_config_file", "DEFINE_config_dict"))
    flag = next((w for c in defines if c.args and (w := literal_text(c.args[0]))), None)
    if flag is None:
        return None
    gets = (literal_text(c.args[0]) or "" for c in script.source.calls if c.last == "get" and c.args)
    name = choose_plainest_option((*(n.rpartition(".")[2] for n in script.source.names), *script.source.keys, *gets))
    facts = script.facts
    if name is None and any(
        re.search(r"config\.seed\b|\bseed\s*=", facts.texts[p]) for p in facts.python if "config" in p
    ):
        name = "seed"
    return f"--{flag}.{name}" if name else None


def _sacred(script: ScriptWithImports) -> str | None:
    """Every sacred experiment has a seed."""
    source = script.source
    return "seed=" if source.uses("sacred") is not None and any(c.last == "Experiment" for c in source.calls) else None


def _exec_override(script: ScriptWithImports) -> str | None:
    """A module global named seed, where a configurator that is exec'd turns globals into options."""
    name = choose_plainest_option(script.source.globals)
    return f"--{name}" if name and any(c.name == "exec" for c in script.source.calls) else None


def _flags_of_a_file(script: ScriptWithImports) -> str | None:
    """`Flags(config).parse(argv)`, as elements and embodied have it, makes an option of every key of the YAML file that is loaded."""
    names = {c.last for c in script.source.calls}
    if "Flags" not in names or not any(_LOADS.search(c.name) or c.last == "load" for c in script.source.calls):
        return None
    folder = script.path.rpartition("/")[0]
    files = (p for p in script.facts.read_files("config") if p.rpartition("/")[0] == folder)
    keys = (k for p in files for k in yaml_keys(script.facts.texts[p]))
    key = choose_plainest_option(k.removeprefix("defaults.") for k in keys)
    return f"--{key}" if key else None


def _dotlist(script: ScriptWithImports) -> str | None:
    """OmegaConf takes `seed=` from the command line over a file or dataclass that has a seed."""
    overrides = ("from_cli", "from_dotlist")
    if not any(c.last in overrides for _, s in script.sources(*overrides) for c in s.calls):
        return None
    facts = script.facts
    key = choose_plainest_option(
        field for _, s in script.sources(*script_options.SEED) for d in s.classes for field in d.fields
    )
    key = key or choose_plainest_option(
        k for p in facts.read_files("config") if not paths.is_test(p) for k in yaml_keys(facts.texts[p])
    )
    return f"{key}=" if key else None


def _yacs(script: ScriptWithImports) -> str | None:
    """`_C.TRAIN.SEED = 1` among the defaults of a yacs configuration that is near: a file sets it, or `TRAIN.SEED 1` behind its options.

    Not `--opts SEED`: a seed option is one word, and the rest of the command may use `--opts` itself.
    """
    keys = [
        match[1] for path, _ in script.sources("yacs") for match in _YACS_KEY.finditer(script.facts.texts.get(path, ""))
    ]
    key = choose_plainest_option(keys)
    return f"config:{key}" if key else None


def _from_file(script: ScriptWithImports) -> str | None:
    """A seed that only a file sets: `params["seed"]` of a YAML file that is loaded gives `config:train.seed`."""
    source = script.source
    close = [s for _, s in script.sources("load", "params_show", "fromfile", *script_options.SEED, within=3)]
    if not any(_LOADS.search(c.name) for s in close for c in s.calls):
        return None
    gets = [w for c in source.calls if c.last == "get" and c.args and (w := literal_text(c.args[0]))]
    used = choose_plainest_option((*source.keys, *gets)) or choose_plainest_option(
        n.rpartition(".")[2] for n in source.names if _SETTINGS.search(n)
    )
    if used is None:
        if script_options.builds_parser(source) or not choose_plainest_option(
            field for s in close for d in s.classes for field in d.fields
        ):
            return None
        used = "seed"
    return _settings_key(script.facts, used, source.keys)


def _mmengine(script: ScriptWithImports) -> str | None:
    """`randomness = dict(seed=None)` in a configuration that `Config.fromfile` reads."""
    if not any(c.name.endswith("Config.fromfile") for c in script.source.calls):
        return None
    facts = script.facts
    configs = facts.files_mentioning(("randomness",), facts.python)
    return "config:randomness.seed" if any(_RANDOMNESS.search(facts.texts[p]) for p in configs) else None


def _settings_key(facts: Facts, used: str | None, sections: Container[str]) -> str | None:
    """`config:KEY` for a key that code reads: as a file of settings has it, below one of `sections` or at its top."""
    if used is None:
        return None
    for path in (p for p in facts.read_files("config") if paths.count_path_parts(p) <= 3):
        keys = [k for k in yaml_keys(facts.texts[path]) if k.rpartition(".")[2] == used]
        section = next((k for k in keys if k.rpartition(".")[0] in sections or "." not in k), None)
        if section:
            return f"config:{section}"
    return f"config:{used}"
