"""What the repository asks of Slurm: #SBATCH blocks, sbatch and srun flags, modules and activation lines."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scaffold.conventions.detected import DetectedValue, Occurrence, merge_occurrences
from scaffold.conventions.model import Evidence, SlurmConventions
from scaffold.facts import Facts, paths, shell_parser
from scaffold.facts.config_formats import yaml_scalars

# option (both spellings) -> field
# what an #SBATCH option or a module can be
SAFE_VALUE = re.compile(r"[\w.,:/@=+%-]+")
_OPTIONS = {
    "p": "partitions",
    "partition": "partitions",
    "A": "accounts",
    "account": "accounts",
    "q": "qos",
    "qos": "qos",
    "gres": "gres",
    "gpus-per-node": "gres",
    "G": "gres",
    "gpus": "gres",
    "t": "time",
    "time": "time",
}
_FIELDS = ("partitions", "accounts", "qos", "gres", "time")
_PLACEHOLDER = re.compile(
    r"[$<>{}\[\]%]|\.\.\.|^\W*$|^x+$|[-_ ](?:here|name|id|placeholder)$"
    r"|^(?:your|my|example|the|some|replace|change|insert|enter|fill|todo|fixme|xxx+|placeholder|tbd|none|null)([-_ ]|$)"
    r"|^(?:partition|account|qos|queue|name|project|gres|time|group|username)s?$",
    re.IGNORECASE,
)
_SHOUTED = re.compile(r"^(?=.*_)(?=.*(?:PARTITION|ACCOUNT|QUEUE|QOS|NAME|YOUR|PROJECT|USER))[A-Z_]+$")
_SUBMITS = re.compile(r"(?:^|[\s;&|(`$])(sbatch|srun|salloc)\s+(?=[-\w./$\"'{])")


def is_slurm_placeholder(value: str) -> bool:
    """Whether the reader is to fill in a value: `your-partition`, `ACCOUNT_NAME`, `${PARTITION}`, `<account>`."""
    return bool(_PLACEHOLDER.search(value) or _SHOUTED.match(value))


def slurm_scripts(facts: Facts) -> DetectedValue[tuple[str, ...]]:
    """The files, prose and Python left out, that have a #SBATCH line or an srun, sbatch or salloc command."""
    return merge_occurrences(_uses_in(facts, _speaking_files(facts)))


def _speaking_files(facts: Facts) -> list[str]:
    """Shell files that speak for the repository: those of its documentation only where no other uses Slurm, tests never."""
    speaking = [p for p in facts.read_files("shell") if not (paths.is_test(p) or paths.is_hidden(p))]
    own = [p for p in speaking if not paths.is_documentation(p)]
    return own if any(_uses_in(facts, own)) else speaking


def _uses_in(facts: Facts, files: list[str]) -> Iterator[Occurrence]:
    for path in files:
        directives = shell_parser.sbatch_directives(facts.texts[path])
        if directives:
            yield Occurrence(path, path, directives[0][0], f"#SBATCH {directives[0][1]}")
    searched = frozenset(files)
    for command in facts.shell_commands:
        if command.path in searched and is_slurm_submission(command):
            yield Occurrence(command.path, command.path, command.line, command.text)


def is_slurm_submission(command: shell_parser.ShellCommand) -> bool:
    """Whether a command calls sbatch, srun or salloc rather than printing their names."""
    return command.words[0] not in ("echo", "printf", "which", "command", "type") and bool(
        _SUBMITS.search(command.text)
    )


def slurm_requests(facts: Facts) -> dict[str, DetectedValue[tuple[str, ...]]]:
    """partitions, accounts, qos, gres and time, the most used first; placeholders are kept as what lost."""
    hits: dict[str, list[Occurrence]] = {field: [] for field in _FIELDS}
    lost: dict[str, list[Evidence]] = {field: [] for field in _FIELDS}
    for field, hit in _requests(facts):
        if is_slurm_placeholder(hit.value):
            lost[field].append(Evidence(path=hit.path, line=hit.line, text=f"{hit.text}: a placeholder"))
        else:
            hits[field].append(hit)
    return {field: merge_occurrences(hits[field], lost[field], by_use=True) for field in _FIELDS}


def _requests(facts: Facts) -> Iterator[tuple[str, Occurrence]]:
    yield from _launcher_requests(facts)
    for path in _speaking_files(facts):
        for line, text in shell_parser.sbatch_directives(facts.texts[path]):
            yield from _values(path, line, f"#SBATCH {text}", shell_parser.split_shell_words(text))
    for command in (*facts.shell_commands, *facts.shown_commands):
        if is_slurm_submission(command) and not paths.is_test(command.path):
            start = next(
                (n for n, w in enumerate(command.words) if w.lstrip("$(`") in ("sbatch", "srun", "salloc")), None
            )
            if start is not None:
                yield from _values(command.path, command.line, command.text, list(command.words[start + 1 :]))


def _launcher_requests(facts: Facts) -> Iterator[tuple[str, Occurrence]]:
    """partition, account and qos of Hydra's submitit launcher in YAML."""
    for path in facts.files_mentioning(("submitit",), facts.read_files("config")):
        for key, value, line in yaml_scalars(facts.texts[path]):
            if key in (
                "partition",
                "account",
                "qos",
                "slurm_partition",
                "slurm_account",
                "slurm_qos",
            ) and value not in ("", "null", "~"):
                yield _OPTIONS[key.removeprefix("slurm_")], Occurrence(value, path, line, f"{key}: {value}")


def _values(path: str, line: int, text: str, words: list[str]) -> Iterator[tuple[str, Occurrence]]:
    for name, value in shell_parser.parse_option_words(words):
        field = _OPTIONS.get(name)
        if not field or not value:
            continue
        if field == "gres" and name != "gres":
            value = f"gpu:{value}"
        for item in value.split(",") if field != "time" else [value]:
            yield field, Occurrence(item.strip("\"' "), path, line, text)


def loaded_modules(facts: Facts) -> DetectedValue[tuple[str, ...]]:
    """`module load A B`, `module add` and `ml`, the most used first."""
    hits = []
    for command in facts.shell_commands:
        words = list(command.words)
        if words[:1] == ["ml"]:
            words = ["module", "load", *words[1:]]
        if words[:1] == ["module"] and words[1:2] in (["load"], ["add"]):
            names = [w for w in words[2:] if not w.startswith(("-", "$")) and not is_slurm_placeholder(w)]
            hits += [
                Occurrence(n, command.path, command.line, command.text) for n in names if n not in ("load", "purge")
            ]
    return merge_occurrences(hits, by_use=True)


def keep_first_module_versions(names: tuple[str, ...]) -> tuple[str, ...]:
    """Of several versions of a module the first, which is the most used: `cuda/12.4`, not `cuda/12.1` too."""
    first = {name.split("/")[0]: name for name in reversed(names)}
    return tuple(name for name in names if first[name.split("/")[0]] == name)


def slurm_conventions(facts: Facts) -> dict[str, DetectedValue[tuple[str, ...]]] | None:
    """All of it by field; None where the repository shows no use of Slurm."""
    fields = {"scripts": slurm_scripts(facts), **slurm_requests(facts)}
    if not any(f.value for f in fields.values()):
        return None
    fields["modules"] = loaded_modules(facts)
    from scaffold.conventions import (
        activation,  # its patterns take long to compile, and most repositories have no job scripts
    )

    fields["setup"] = activation.activation_lines(facts, fields["scripts"].value)
    return fields


def to_slurm_conventions(fields: dict[str, DetectedValue[tuple[str, ...]]] | None) -> SlurmConventions | None:
    """The answer's form of the fields that Slurm is asked for."""
    return None if fields is None else SlurmConventions(**{field: f.value for field, f in fields.items()})
