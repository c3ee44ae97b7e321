"""Which scripts one runs, most important first, and what each is for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from scaffold.conventions.trackers import scalars
from scaffold.facts import Facts, paths, shell
from scaffold.facts.source import Source

MOST = 12
_KINDS = (
    (
        "sweep",
        re.compile(
            r"sweep|grid_?search|hparam|hyperopt|tune(r|_|$)|schedule|launch_scan|ablation|run_all|run_experiments?$|search"
        ),
    ),
    (
        "preprocess",
        re.compile(
            r"pre_?process|prepare|download|tokenize|featuri|build_(data|vocab)|make_data|dataset|convert_data|extract_feat|get_data|create_data|data_?prep"
        ),
    ),
    ("eval", re.compile(r"eval|^test$|^test_|_test$|infer|predict|score|bench|metric|enjoy|valid|rollout|spectra")),
    ("train", re.compile(r"train|fine_?tun|fit|learn|sft|dpo|ppo|orpo|grpo|distill|linprobe")),
    (
        "other",
        re.compile(
            r"sample|generat|demo|export|convert|visuali|plot|push|upload|record|render|serve|app|debug|inspect|compile"
        ),
    ),
)
_RUNNERS = re.compile(
    r"^(python[\d.]*|torchrun|accelerate|deepspeed|srun|bash|sh|sbatch|source|mpirun|mpiexec|uv|poetry|pixi|Rscript|julia|ipython|streamlit|coverage|time|nohup|horovodrun|xvfb-run|qsub|bsub|accelerate-launch|composer|dask|ray|litmodels|nsys|CUDA\S*)$"
)
_TRAINS = re.compile(
    r"\.backward\(|\.fit\(|\.train\(|trainer\(|train_step|train_one_epoch|optimizer\.step|optimi[sz]er\.minimize|\bvalue_and_grad\(|\.learn\(|\btrain\("
)
_PARSERS = re.compile(
    r"ArgumentParser|@hydra\.main|click\.(command|group)|typer|tyro\.cli|fire\.Fire|Fire\(|app\.run\(|HfArgumentParser|TrlParser|LightningCLI|simple_parsing|DEFINE_config_file|flags\.DEFINE|sys\.argv"
)
_MAIN = re.compile(r"^if\s+__name__\s*==|^\s*(absl\.)?app\.run\(", re.MULTILINE)
_HELPER = re.compile(
    r"^(setup|conftest|conf|__init__|versioneer|noxfile|tasks|dodo|hubconf|_version|install|build|fabfile)$"
)
_AUXILIARY = re.compile(
    r"plot|visuali|utils?$|helper|debug|check|(^|_)ci(_|$)|lint|format|docker|install|setup|build|deploy|release|header|env|doc|clean|kill|sync|copy|bot\b|tracker|preview|merge|rename|parse|migrate|analy[sz]e|summar"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A script with what speaks for it; `mentions` are the commands that run it, the README's first."""

    path: str
    kind: str
    score: float
    line: int | None = None
    mentions: tuple[shell.Command, ...] = ()
    reasons: tuple[str, ...] = field(default_factory=tuple)


def scripts(facts: Facts) -> tuple[Script, ...]:
    """All scripts of the repository, most important first; tests, documentation and vendored code have none."""
    mentions = _mentions(facts)
    found = [*_python(facts, mentions), *_shell(facts, mentions), *_others(facts)]
    return tuple(sorted(found, key=lambda s: (-s.score, s.path)))


def _mentions(facts: Facts) -> Mapping[str, list[shell.Command]]:
    """Script -> the commands that run it: README and documents, then scripts, then pipelines."""
    found: dict[str, list[shell.Command]] = {}
    by_name: dict[str, list[str]] = {}
    for path in facts.files:
        if path.endswith((".py", ".sh", ".slurm", ".sbatch")):
            by_name.setdefault(path.rpartition("/")[2], []).append(path)
    for command in (*facts.shown_commands, *facts.shell_commands, *_pipeline_commands(facts)):
        if paths.is_hidden(command.path):
            continue
        for target in run_by(facts, command, by_name):
            if target != command.path:
                found.setdefault(target, []).append(command)
    return found


def _pipeline_commands(facts: Facts) -> Iterator[shell.Command]:
    for path in facts.of("config"):
        if path.rpartition("/")[2] == "dvc.yaml":
            for key, value, line in scalars(facts.texts[path]):
                if key == "cmd":
                    yield from shell.commands(path, value, line)


def run_by(facts: Facts, command: shell.Command, by_name: Mapping[str, list[str]]) -> Iterator[str]:
    """The scripts that a command runs: a path, `-m package.module`, or a name that only one file has."""
    words = command.words
    if not (_RUNNERS.match(words[0].rpartition("/")[2]) or words[0].startswith(("./", "$")) or words[0] in facts.names):
        return
    for at, word in enumerate(words[:40]):
        if at and words[at - 1] == "-m":
            module = word.replace(".", "/")
            bases = (module, f"src/{module}")
            yield from (p for b in bases for p in (f"{b}.py", f"{b}/__main__.py") if p in facts.names)
        name = word.rpartition("/")[2]
        if name not in by_name:
            continue
        plain = word.removeprefix("./")
        beside = f"{command.path.rpartition('/')[0]}/{plain}"
        if plain in facts.names:
            yield plain
        elif beside in facts.names:
            yield beside
        else:
            tail = plain.replace("../", "")
            same = [p for p in by_name[name] if p.endswith("/" + tail) or p == tail]
            if len(same) == 1:
                yield same[0]


def _python(facts: Facts, mentions: Mapping[str, list[shell.Command]]) -> Iterator[Script]:
    for path in facts.python:
        stem = path.rpartition("/")[2].removesuffix(".py")
        if _HELPER.match(stem) and path not in mentions:
            continue
        text = facts.texts[path]
        guarded = _MAIN.search(text)
        run = mentions.get(path, [])
        if not guarded and not run and not _acts_alone(facts, path):
            continue
        reasons = _reasons(facts, path, text, run, guarded=bool(guarded))
        kind = kind_of(facts, path)
        line = text.count("\n", 0, guarded.start()) + 1 if guarded else facts.parsed(path).acts
        yield Script(
            path=path,
            kind=kind,
            score=round(sum(reasons.values()) + _by_name(path, kind), 2),
            line=line,
            mentions=tuple(run),
            reasons=tuple(r for r, points in reasons.items() if points > 0),
        )


def _acts_alone(facts: Facts, path: str) -> bool:
    """Whether a module without a main guard is still a script: it works at its top level and nobody imports or exec's it."""
    name = path.rpartition("/")[2]
    if name == "__init__.py" or (
        re.search(r"^(?:class |def get_config)", facts.texts[path], re.MULTILINE)
        and not _PARSERS.search(facts.texts[path])
    ):
        return False
    if facts.parsed(path).acts is None or facts.importers.get(path):
        return False
    return not any(
        f"open('{name}')" in t or f'open("{name}")' in t for p, t in facts.texts.items() if p.endswith(".py")
    )


def _reasons(facts: Facts, path: str, text: str, run: list[shell.Command], *, guarded: bool) -> dict[str, float]:
    shown = [c for c in run if paths.kind(c.path) == "prose"]
    in_readme = [c for c in shown if "readme" in c.path.lower() and "/" not in c.path]
    others = len(run) - len(shown)
    return {
        "has a main guard": 3.0 if guarded else 0.0,
        "reads the command line": 2.0 if _PARSERS.search(text) else 0.0,
        "trains": 2.0 if _TRAINS.search(text) else 0.0,
        "the README runs it": min(3.0 + 0.3 * (len(in_readme) - 1), 5.0) if in_readme else 0.0,
        "documents run it": min(1.5 + 0.2 * len(shown), 2.5) if shown and not in_readme else 0.0,
        "scripts run it": min(1.5 + 0.1 * others, 3.0) if others else 0.0,
        "lies deep": -0.6 * path.count("/"),
        "is an example": -4.0 if paths.is_example(path) else 0.0,
        "is imported by others": -1.0 if facts.importers.get(path) else 0.0,
    }


def _by_name(path: str, kind: str) -> float:
    stem = path.rpartition("/")[2].rpartition(".")[0].lower()
    if stem == "__main__":
        stem = path.split("/")[-2].lower()
    points = {"train": 4.0, "eval": 2.5, "sweep": 1.5, "preprocess": 1.0, "other": 0.0}[kind]
    if stem in ("main", "run", "train", "__main__"):
        points += 1.5
    return points - (3.0 if _AUXILIARY.search(stem) else 0.0)


def kind_of(facts: Facts, path: str) -> str:
    """train, eval, sweep, preprocess or other: by the name of the file, then of its folder, then by what it does."""
    pieces = path.lower().rpartition(".")[0].split("/")
    stem = pieces[-2] if pieces[-1] == "__main__" and len(pieces) > 1 else pieces[-1]
    for kind, pattern in _KINDS:
        if pattern.search(stem):
            return kind
    folder = pieces[-2] if len(pieces) > 1 else ""
    if stem in ("main", "run") and _KINDS[1][1].search(folder):
        return "preprocess"
    text = facts.texts.get(path, "")
    if _TRAINS.search(text) or (
        stem in ("main", "run") and any(_TRAINS.search(facts.texts[p]) for p in facts.imported(path))
    ):
        return "train"
    return "other"


def _shell(facts: Facts, mentions: Mapping[str, list[shell.Command]]) -> Iterator[Script]:
    runs: dict[str, list[shell.Command]] = {}
    for command in facts.shell_commands:
        runs.setdefault(command.path, []).append(command)
    candidates = [p for p in facts.of("shell") if not (paths.is_test(p) or paths.is_doc(p) or paths.is_hidden(p))]
    siblings: dict[str, int] = {}
    for path in candidates:
        folder = path.rpartition("/")[0].split("/")[0]
        siblings[folder] = siblings.get(folder, 0) + 1
    for path in candidates:
        header = shell.directives(facts.texts[path])
        if not header and not any(_launches(c) for c in runs.get(path, ())):
            continue
        crowd = siblings[path.rpartition("/")[0].split("/")[0]]
        shown = [c for c in mentions.get(path, ()) if paths.kind(c.path) == "prose"]
        kind = kind_of(facts, path)
        score = (
            3.0
            + (1.5 if header else 0.0)
            + (2.0 if shown else 0.0)
            + 0.5 * _by_name(path, kind)
            - 0.5 * path.count("/")
        )
        score -= 3.0 if crowd > 8 else 1.0 if crowd > 5 else 0.0
        score -= 4.0 if paths.is_example(path) else 0.0
        yield Script(
            path=path,
            kind=kind,
            score=round(score, 2),
            line=header[0][0] if header else None,
            mentions=tuple(mentions.get(path, ())),
        )


def _launches(command: shell.Command) -> bool:
    """Whether a command of a shell script starts the repository's own work."""
    text = command.text
    starts = re.match(
        r"(python[\d.]*|torchrun|accelerate|deepspeed|srun|sbatch|mpirun|\$\{?\w+\}?|CUDA\S*|uv|poetry|Rscript|julia)\b",
        command.words[0],
    )
    return (
        bool(starts)
        and bool(re.search(r"\.py\b|-m\s+\w|\.slurm|\.sbatch|\.sh\b|\.R\b|\.jl\b", text))
        and "pip" not in command.words
        and "pytest" not in text
    )


def _others(facts: Facts) -> Iterator[Script]:
    """Entry points of other languages and workflow tools, by name: Snakefile, _targets.R, run.R, main.nf."""
    for path in facts.files:
        if (
            path.count("/") > 1
            or not re.search(r"(^|/)(Snakefile|_targets\.R|(run|main|train)\.(R|jl|m|nf))$", path)
            or paths.is_vendored(path.rpartition("/")[0])
        ):
            continue
        yield Script(path=path, kind=kind_of(facts, path), score=4.0 - 0.5 * path.count("/"))


def command_for(facts: Facts, script: Script) -> tuple[str, shell.Command | None]:
    """The command line as the README shows it, else as a script has it, else the plain one."""
    for command in script.mentions:
        if not paths.is_test(command.path):
            return command.text, command
    path = script.path
    if path.endswith("/__main__.py"):
        return f"python -m {path.removesuffix('/__main__.py').removeprefix('src/').replace('/', '.')}", None
    if shell.directives(facts.texts.get(path, "")):
        return f"sbatch {path}", None
    if paths.kind(path) == "shell":
        return f"bash {path}", None
    if path.endswith(("Snakefile", "_targets.R")):
        return ("snakemake --cores all" if path.endswith("Snakefile") else "Rscript -e 'targets::tar_make()'"), None
    runner = {"R": "Rscript", "jl": "julia", "nf": "nextflow run"}.get(path.rpartition(".")[2], "python")
    if runner == "python" and _relative_imports(facts.parsed(path)):
        return f"python -m {path.removesuffix('.py').removeprefix('src/').replace('/', '.')}", None
    return f"{runner} {path}", None


def _relative_imports(source: Source) -> bool:
    return any(i.level for i in source.imports)
