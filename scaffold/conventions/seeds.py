"""How one sets the seed of a script, as one types it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from scaffold.facts import Facts, paths
from scaffold.facts.source import Call, Definition, Source

_SEED = re.compile(
    r"^(?:(?:random|rng|manual|global|train|start|base|init|np|torch|data)[-_]?)?seeds?(?:[-_]?(?:everything|base|start|value|num|list))?$|^manualseed$|^seed_everything$|^random_state$",
    re.IGNORECASE,
)
_HF_ARGUMENTS = re.compile(
    r"^(Seq2Seq)?TrainingArguments$|^(SFT|DPO|ORPO|KTO|PPO|PPOv2|GRPO|RLOO|Reward|CPO|BCO|GKD|OnlineDPO|NashMD|XPO|PRM|IterativeSFT)(Config|TrainingArguments)$"
)
_FLAG_TAKERS = (
    "tyro.cli",
    "cli",
    "simple_parsing.parse",
    "parse",
    "parse_args",
    "pyrallis.parse",
    "pyrallis.wrap",
    "wrap",
    "add_arguments",
    "chz.entrypoint",
)
_CLI_LIBRARIES = ("tyro", "simple_parsing", "pyrallis", "draccus", "tap", "jsonargparse", "chz")


def seed_flag(facts: Facts, path: str) -> str | None:
    """`--seed`, `seed=`, `--config.seed`, `config:KEY` where only a file sets it; None where there is none."""
    if path.endswith(".py"):
        return _of_python(facts, path)
    if paths.kind(path) == "shell" and re.search(r"\$(@|\*|\{@\})", facts.texts.get(path, "")):
        return _of_shell(facts, path)
    return None


def _of_shell(facts: Facts, path: str) -> str | None:
    """A script that hands its arguments on takes those of what it starts."""
    from scaffold.conventions.scripts import run_by

    by_name: dict[str, list[str]] = {}
    for file in facts.python:
        by_name.setdefault(file.rpartition("/")[2], []).append(file)
    for command in facts.shell_commands:
        if command.path == path and re.search(r"\$(@|\*|\{@\})", command.text):
            for target in run_by(facts, command, by_name):
                if target.endswith(".py"):
                    return _of_python(facts, target)
    return None


def _of_python(facts: Facts, path: str) -> str | None:
    source = facts.parsed(path)
    near = facts.closure(path, depth=3, limit=80)
    for reader in (_own_option, _hydra, _config_flag, _typed, _inherited, _sacred, _overridable, _from_file):
        flag = reader(facts, path, source, near)
        if flag:
            return flag
    return None


def _best(names: Iterable[str]) -> str | None:
    """The plainest of several options: `--seed` before `--data_seed` before `--seeds`."""
    found = [n for n in names if _SEED.match(n.lstrip("-").rpartition(".")[2])]
    return min(
        found, key=lambda n: (n.lstrip("-").lower() != "seed", n.lower().endswith("seeds"), len(n), n), default=None
    )


def _options(source: Source) -> Iterator[str]:
    """The long options that a module declares: argparse, click, absl, typer, fire."""
    for call in source.calls:
        strings = [str(a) for a in call.args if isinstance(a, str)]
        if call.last in ("add_argument", "add", "option", "Option", "add_arg"):
            yield from (s.split("/")[0] for s in strings if s.startswith("--"))
        elif re.match(r"DEFINE_(integer|float|string|list|multi_integer|spaceseplist)$", call.last) and strings:
            yield f"--{strings[0]}"
        elif call.last in ("Fire", "run", "typer.run") and call.args:
            yield from _parameters(source, call)
    commands = [f for f in source.functions if any(d.endswith(".command") or d == "command" for d in f.decorators)]
    if source.uses("typer") is not None:
        yield from (f"--{p.replace('_', '-')}" for f in commands for p in f.fields)


def _parameters(source: Source, call: Call) -> Iterator[str]:
    """`Fire(main)` and `typer.run(main)` make an option of each parameter."""
    if source.uses("fire") is None and source.uses("typer") is None:
        return
    targets = [d for d in (*source.functions, *source.classes) if d.name == call.args[0]]
    dashed = source.uses("typer") is not None
    for target in targets:
        members = [target] + [f for f in source.functions if f.outer == target.name]
        yield from (f"--{p.replace('_', '-') if dashed else p}" for m in members for p in m.fields)


def _own_option(facts: Facts, path: str, source: Source, near: dict[str, int]) -> str | None:
    flag = _best(_options(source))
    if (
        flag is None
        and source.uses("lightning", "pytorch_lightning", "jsonargparse") is not None
        and any(c.last.endswith("CLI") for c in source.calls)
    ):
        return "--seed_everything"
    return flag


def _hydra(facts: Facts, path: str, source: Source, near: dict[str, int]) -> str | None:
    """A `seed` key of the configuration that @hydra.main names."""
    decorated = [
        c
        for c in source.calls
        if (c.name in ("hydra.main", "main", "hydra_runner") and "config_name" in c.keywords) or c.name == "hydra.main"
    ]
    for call in decorated:
        name = str(call.keywords.get("config_name") or "config").removesuffix(".yaml").removesuffix(".yml")
        folder = str(call.keywords.get("config_path") or (call.args[0] if call.args else "") or "")
        for file in _hydra_files(facts, path, folder, name):
            key = _yaml_seed(facts, file)
            if key:
                return f"{key}="
        return _hydra_group_seed(facts, path, folder) or _structured_seed(facts, near)
    return None


def _hydra_files(facts: Facts, path: str, folder: str, name: str) -> list[str]:
    import posixpath

    base = posixpath.normpath(posixpath.join(path.rpartition("/")[0], folder))
    beside = [f"{base}/{name}.{suffix}" if base != "." else f"{name}.{suffix}" for suffix in ("yaml", "yml")]
    named = [p for p in facts.of("config") if p.rpartition("/")[2] in (f"{name}.yaml", f"{name}.yml")]
    return [p for p in beside if p in facts.texts] or named[:1]


def _yaml_seed(facts: Facts, path: str) -> str | None:
    """The dotted key of the shallowest seed in a YAML file."""
    return _best_key(_yaml_keys(facts.texts.get(path, "")))


def _yaml_keys(text: str) -> Iterator[str]:
    """The dotted keys of a block-style YAML text, commented ones left out."""
    stack: list[tuple[int, str]] = []
    for raw in text.splitlines():
        match = re.match(r"^(\s*)([\w.-]+)\s*:(?:\s|$)", raw)
        if not match:
            continue
        while stack and stack[-1][0] >= len(match[1]):
            stack.pop()
        stack.append((len(match[1]), match[2]))
        yield ".".join(key for _, key in stack)


def _best_key(keys: Iterable[str]) -> str | None:
    seeds = [k for k in keys if _SEED.match(k.rpartition(".")[2])]
    return min(seeds, key=lambda k: (k.count("."), k.rpartition(".")[2].lower() != "seed", k), default=None)


def _hydra_group_seed(facts: Facts, path: str, folder: str) -> str | None:
    """A seed in a file of a config group that the primary configuration takes by default: `train.seed=`."""
    import posixpath

    base = posixpath.normpath(posixpath.join(path.rpartition("/")[0], folder))
    for file in facts.below(base) if base != "." else ():
        pieces = file[len(base) + 1 :].split("/")
        if len(pieces) == 2 and pieces[1] in ("default.yaml", "base.yaml"):
            key = _yaml_seed(facts, file)
            if key and "." not in key:
                return f"{key}=" if "@package _global_" in facts.texts[file] else f"{pieces[0]}.{key}="
    return None


def _structured_seed(facts: Facts, near: dict[str, int]) -> str | None:
    """A seed field of a dataclass that is stored as a structured configuration."""
    for file in near:
        source = facts.parsed(file)
        if any(c.last == "store" for c in source.calls):
            key = _best(f for d in source.classes for f in d.fields)
            if key:
                return f"{key}="
    return None


def _config_flag(facts: Facts, path: str, source: Source, near: dict[str, int]) -> str | None:
    """`config_flags.DEFINE_config_file("config")` lets one type `--config.seed`."""
    flags = [
        c
        for c in source.calls
        if c.last in ("DEFINE_config_file", "DEFINE_config_dict") and c.args and isinstance(c.args[0], str)
    ]
    if not flags:
        return None
    used = [n.rpartition(".")[2] for n in source.names] + list(source.keys)
    used += [str(c.args[0]) for c in source.calls if c.last == "get" and c.args and isinstance(c.args[0], str)]
    name = _best(used)
    if name is None and any(
        re.search(r"config\.seed\b|\bseed\s*=", facts.texts[p]) for p in facts.python if "config" in p
    ):
        name = "seed"
    return f"--{flags[0].args[0]}.{name}" if name else None


def _typed(facts: Facts, path: str, source: Source, near: dict[str, int]) -> str | None:
    """A seed field of the dataclass that tyro and its like turn into options, nested ones with their prefix."""
    parsers = [p for p in near if facts.parsed(p).uses(*_CLI_LIBRARIES) is not None]
    if not parsers:
        return _hugging_face(facts, source, near)
    dashed = any(facts.parsed(p).uses("tyro") is not None for p in parsers)
    owners = [(p, d) for p in near for d in facts.parsed(p).classes if any(_SEED.match(f) for f in d.fields)]
    for file, owner in sorted(owners, key=lambda o: (near[o[0]], o[0], o[1].line)):
        field = _best(owner.fields) or ""
        prefix = "" if file == path else _prefix(facts, near, owner)
        return f"--{prefix}{field.replace('_', '-') if dashed else field}"
    return None


def _prefix(facts: Facts, near: dict[str, int], owner: Definition) -> str:
    """The field of another class that holds `owner`, as `debug.`; empty where none does."""
    for file in near:
        for holder in facts.parsed(file).classes:
            for name, annotation in holder.fields.items():
                if re.search(rf"\b{re.escape(owner.name)}\b", annotation) and holder.name != owner.name:
                    return f"{name}."
    return ""


def _hugging_face(facts: Facts, source: Source, near: dict[str, int]) -> str | None:
    """HfArgumentParser and TrlParser take their classes' fields, and those of TrainingArguments that they inherit."""
    parses = [c for c in source.calls if re.search(r"(Hf\w*ArgumentParser|H4ArgumentParser|TrlParser)$", c.name)]
    if not parses:
        return None
    first = parses[0].args[0] if parses[0].args else parses[0].keywords.get("dataclass_types")
    names = {str(n) for n in (first if isinstance(first, tuple) else (first,)) if n}
    classes = {d.name: d for p in near for d in facts.parsed(p).classes}
    for name in names | {b for n in names if n in classes for b in classes[n].bases}:
        if _HF_ARGUMENTS.match(name.rpartition(".")[2]):
            return "--seed"
    return next((f"--{f}" for n in sorted(names) if n in classes and (f := _best(classes[n].fields))), None)


def _inherited(facts: Facts, path: str, source: Source, near: dict[str, int]) -> str | None:
    """An option that an imported module declares: a shared argument module, a wrapped trainer, `parents=[...]`."""
    for file in sorted((p for p in near if near[p] > 0), key=lambda p: (near[p], p)):
        other = facts.parsed(file)
        if other.main is not None and near[file] > 1:
            continue
        flag = _best(_options(other))
        if flag and (other.main is None or _takes_over(source, file)):
            return flag
    return None


def _takes_over(source: Source, file: str) -> bool:
    """Whether a script calls the main, train or parser function of another script."""
    stem = file.rpartition("/")[2].removesuffix(".py")
    takes = re.compile(
        r"^(main|run|train|eval\w*|enjoy|cli|fit|launch|get_\w*(args|parser)\w*|parse_\w*args\w*|\w*parser|args)$"
    )
    return any(
        takes.match(name) for i in source.imports if i.module.rpartition(".")[2] == stem for name in i.names
    ) or any(i.module.rpartition(".")[2] == stem and not i.names for i in source.imports)


def _sacred(facts: Facts, path: str, source: Source, near: dict[str, int]) -> str | None:
    return "seed=" if source.uses("sacred") is not None and any(c.last == "Experiment" for c in source.calls) else None


def _overridable(facts: Facts, path: str, source: Source, near: dict[str, int]) -> str | None:
    """A module global named seed, where a configurator that is exec'd turns globals into `--seed=`."""
    runs = [c for c in source.calls if c.name == "exec"]
    name = _best(source.globals)
    return f"--{name}" if runs and name else None


def _from_file(facts: Facts, path: str, source: Source, near: dict[str, int]) -> str | None:
    """`params["seed"]` of a YAML file that the script loads: `config:train.seed`."""
    used = _best(source.keys) or _best(
        n.rpartition(".")[2] for n in source.names if "config" in n.lower() or "cfg" in n.lower()
    )
    loads = [
        c
        for c in source.calls
        if re.search(r"(yaml|toml|tomllib)\.(safe_|full_)?load|params_show|OmegaConf\.load|Config\.fromfile$", c.name)
    ]
    if used is None or not loads:
        return None
    for file in (p for p in facts.of("config") if paths.depth(p) <= 3):
        keys = [k for k in _yaml_keys(facts.texts[file]) if k.rpartition(".")[2] == used]
        section = next((k for k in keys if k.rpartition(".")[0] in source.keys or "." not in k), None)
        if section:
            return f"config:{section}"
    return f"config:{used}"
