"""A manifest -> what its run was: the parameters that its command says in full, what else tells two commands apart, its seed.

Results and summarize.py read it; nothing of it is needed while a run is recorded. A command says more than the parameters in its
manifest: an option may have several values, arguments may stand by themselves, a shell may be given a line of text.
"""

from __future__ import annotations

import os

from .files import CODE, SHELL
from .naming import SEED_NAMES, command_params, is_assignment, is_value, program_name, script_index
from .secret_tokens import compile_pattern
from .values import format_value, parse_number, parse_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from .values import Scalar

SHELLS = ("bash", "sh", "zsh", "dash", "ksh")
# names of seeds beside those that the recorder itself reads: they count where their value is the seed that was recorded
_WIDER_SEED = (
    r"(?i)^(?:(?:random|rng|manual|global|train|training|start|base|init|initial|np|numpy|torch|jax|data|dataset|split|model|env|exp"
    r"|run|my)[-_]?)*seeds?(?:[-_]?(?:everything|base|start|value|num|1))?$|^manualseed$|^random_state$"
)
_OUTPUT = (
    r"(?i)(?:^|\.)(?:o|out|output|(?:out|outputs?|save|work|working|logs?|logging|results?|tensorboard|tb)[-_]?(?:dir|directory|folder)"
    r"|default_root_dir)$|^hydra\.(?:run|sweep)\.dir$"
)
# in a line for a shell: a seed or an output with its value, which make no other configuration
_SHELL_SEED = r"(?<![\w.-])((?:--?|\+{0,2}(?:\w+\.)*)(?:%s))(=|\s+)(\d+)(?![\w.])" % "|".join(
    n.replace("_", "[-_]") for n in SEED_NAMES
)
_SHELL_OUTPUT = (
    r"(?<![\w.-])(--?(?:out|output|(?:out|output|save|work|log|results?)[-_]?(?:dir|directory|folder)))"
    r"(=|\s+)(?!-)[^\s;&|]+"
)


class Interface:
    """How a script's parser takes its arguments: the names of the positional ones, and how many values an option takes (-1: any number)."""

    def __init__(self, positionals: Sequence[str] = (), counts: Mapping[str, int] | None = None) -> None:
        self.positionals = tuple(positionals)
        self.counts = dict(counts or {})


class Reading:
    """A command as results see it.

    `params` are its parameters (without the seed, outputs and what is filled in when it starts), `form` is the rest: what starts it, and
    how its options are spelled, sorted. `seed` is the seed that it names. `words` are its arguments where only its parser could say for
    certain which values belong to which option, else empty. `fuller` are those of `params` that the recorder's own reading cannot know.
    """

    def __init__(self) -> None:
        self.params: dict[str, Scalar] = {}
        self.form = ""
        self.seed: int | None = None
        self.words: list[str] = []
        self.fuller: dict[str, Scalar] = {}


def is_output(name: str, value: object) -> bool:
    """Whether a parameter says where a run writes: `--out runs/1`, `hydra.run.dir=x`; a number is no place."""
    if not isinstance(value, str) or not value or parse_number(value) is not None:
        return False
    return compile_pattern(_OUTPUT).search(name) is not None


def choose_seed(params: Mapping[str, Scalar], recorded: int | None, *, is_passed: bool = False) -> str | None:
    """The parameter that is the seed: by the names that the recorder reads, else by a wider one (`s`) whose value is the recorded seed.

    With `is_passed` one of them is it for certain, as whoever started the run said: by whatever name, the last that has its value.
    """
    whole = [k for k, v in params.items() if isinstance(v, int) and not isinstance(v, bool)]
    if recorded is not None:
        whole = [k for k in whole if params[k] == recorded]
    usual = [k for k in whole if k.rpartition(".")[2] in SEED_NAMES]
    if usual:
        return min(usual, key=lambda k: (SEED_NAMES.index(k.rpartition(".")[2]), k.count("."), k))
    if recorded is None:
        return None
    wider = [k for k in whole if compile_pattern(_WIDER_SEED).match(k.rpartition(".")[2])]
    if not wider:
        wider = ["s"] if "s" in whole else whole[-1:] if is_passed else []
    return min(wider, key=lambda k: (k.count("."), len(k), k)) if wider else None


def read_command(
    argv: Sequence[str],
    *,
    seed: int | None = None,
    source: str | None = None,
    top: str = "",
    interface: Interface | None = None,
) -> Reading:
    """Read a command whose recorded seed is `seed`, and reached it as `source` says (`seed_source` of its manifest); paths count
    relative to `top`, the repository's absolute path."""
    reading = Reading()
    words = list(argv)
    head, line, more = _shell_line(words)
    if line is not None:
        inner = None if more else _single_command(line)
        if inner is None:
            _read_shell_text(reading, head, " ".join([line, *more]), seed)
            return reading
        words = inner
        head = [*head, "-c"]
    index = script_index(words)
    start, rest = words[: index + 1], words[index + 1 :]
    if (
        seed is not None and "-s%d" % seed in rest
    ):  # in one word only the seed's value tells the option from a longer one
        at = rest.index("-s%d" % seed)
        rest[at : at + 1] = ["-s", "%d" % seed]
    options, positional, several = read_arguments(rest, interface)
    values: dict[str, list[list[str]]] = {}
    spelled: dict[str, str] = {}
    for option, taken in options:
        name = option.lstrip("-+~").rstrip("=").replace("-", "_")
        if option.startswith("-") and not taken and name.startswith("no_"):
            name, taken = name[3:], ["false"]
        values.setdefault(name, []).append(taken or ["true"])
        spelled[name] = option
    names = interface.positionals if interface is not None else ()
    for i, word in enumerate(positional):
        name = names[min(i, len(names) - 1)] if names else f"arg{i + 1}"
        values.setdefault(name, [[]])[0].append(_below(word, top))
    params = {name: _join(groups, top) for name, groups in values.items()}
    _read_start(reading, head, start, top, params)
    is_passed = source == "arguments" and not any("{RUN_SEED}" in word for word in words)
    chosen = choose_seed(params, seed, is_passed=is_passed)
    if chosen is not None:
        reading.seed = int(str(params[chosen]))
    left_out = {name for name, value in params.items() if name == chosen or is_output(name, value)}
    filled = {name for name, value in params.items() if isinstance(value, str) and "{RUN_" in value}
    reading.params = {k: v for k, v in params.items() if k and k not in left_out and k not in filled}
    fuller = {name for name, groups in values.items() if line is not None or any(len(g) > 1 for g in groups)}
    fuller.update(name for name in values if name not in spelled or interface is not None)
    reading.fuller = {k: v for k, v in reading.params.items() if k in fuller}
    options_spelled = sorted(spelled[name] for name in spelled if name not in left_out)
    reading.form = " ".join([reading.form, *options_spelled])
    if interface is None and (several or positional):
        reading.words = rest
    return reading


def read_arguments(
    words: Sequence[str], interface: Interface | None
) -> tuple[list[tuple[str, list[str]]], list[str], bool]:
    """Options as they are spelled (`--lr`, `lr=`) with their values, positional arguments, and whether an option has several values.

    Without an interface an option takes every value that follows it: which of them it leaves to others, only its parser knows.
    """
    options: list[tuple[str, list[str]]] = []
    positional: list[str] = []
    rest, several = list(words), False
    while rest:
        word = rest.pop(0)
        if word == "--":
            positional += rest
            break
        if word.startswith("-") and word.strip("-") and parse_number(word) is None:
            spelling, equals, value = word.partition("=")
            key = spelling.lstrip("-").replace("-", "_")
            count = interface.counts.get(key) if interface is not None else None
            if equals:
                taken = [value]
            else:
                taken = []
                while rest and (count is None or count < 0 or len(taken) < count) and _may_follow(rest[0], count):
                    taken.append(rest.pop(0))
            several = several or len(taken) > 1
            dashes = spelling[: len(spelling) - len(spelling.lstrip("-"))]
            options.append((dashes + key, taken))
        elif is_assignment(word) and not (interface is not None and interface.positionals):
            name, _, value = word.partition("=")
            options.append((name.replace("-", "_") + "=", [value]))
        else:
            positional.append(word)
    return options, positional, several


def _may_follow(word: str, count: int | None) -> bool:
    """Whether a word may be a value of the option before it; of one whose parser is known, an assignment too."""
    if count is None:
        return is_value(word)
    return parse_number(word) is not None or not (word.startswith("-") and len(word) > 1)


def _join(groups: Sequence[Sequence[str]], top: str) -> Scalar:
    """One value of all that an option was given: several values by blanks, several times by commas, as the recorder does."""
    texts = [" ".join(format_value(parse_value(_below(word, top))) for word in group) for group in groups]
    return parse_value(texts[0]) if len(texts) == 1 else ",".join(texts)


def _read_start(
    reading: Reading, head: Sequence[str], start: Sequence[str], top: str, params: dict[str, Scalar]
) -> None:
    """What starts the script goes into the form; a seed that `env` sets there is the command's seed."""
    words: list[str] = []
    for i, word in enumerate([*head, *start]):
        name, equals, value = word.partition("=")
        if equals and is_assignment(word) and name.lower() in SEED_NAMES and isinstance(parse_number(value), int):
            params.setdefault(name.lower(), parse_number(value))
            continue
        below = _below(value if equals else word, top)
        if not words and i == 0:
            below = os.path.basename(below) or below
        words.append(name + equals + below if equals else below)
    reading.form = " ".join(words)


def _below(text: str, top: str) -> str:
    return text[len(top) + 1 :] if top and text.startswith(top + "/") else text


def _shell_line(words: Sequence[str]) -> tuple[list[str], str | None, list[str]]:
    """Of `bash -c LINE ...` what stands before it, the line, and what follows; no line where the command is none of this kind."""
    for i in range(1, len(words) - 1):
        flag = words[i]
        if flag[:1] == "-" and flag[1:2] != "-" and flag.endswith("c") and program_name(words[i - 1]) in SHELLS:
            return list(words[:i]), words[i + 1], list(words[i + 2 :])
        if words[i - 1].endswith(CODE + SHELL):
            break
    return [], None, []


def _single_command(line: str) -> list[str] | None:
    """The words of a line that is one plain command; None where a shell would do more with it."""
    import shlex

    if any(c in line for c in "$`;|&<>()\n*?!") or not line.strip():
        return None
    try:
        words = shlex.split(line)
    except ValueError:
        return None
    return words if words and "=" not in words[0] else None


def _read_shell_text(reading: Reading, head: Sequence[str], line: str, seed: int | None) -> None:
    """A line with pipes, variables or several commands counts by its text, its seed and outputs taken out."""
    seeds = {int(match.group(3)) for match in compile_pattern(_SHELL_SEED).finditer(line)}
    if len(seeds) == 1 and seed in (None, *seeds):
        (reading.seed,) = seeds
        line = compile_pattern(_SHELL_SEED).sub(r"\1", line)
    line = compile_pattern(_SHELL_OUTPUT).sub(r"\1", line)
    reading.form = " ".join([os.path.basename(head[0]), *head[1:], "-c", " ".join(line.split())])


def told_params(manifest: Mapping[str, Any]) -> dict[str, Scalar]:
    """The parameters of a manifest that the recorder did not read off the command: it was told them with `--param`."""
    recorded = command_params(manifest["command"]["argv"])
    return {
        k: v for k, v in manifest["params"].items() if k not in recorded or format_value(v) != format_value(recorded[k])
    }


def run_params(manifest: Mapping[str, Any], reading: Reading) -> dict[str, Scalar]:
    """All parameters of a run: what its command says, and over it what `--param` said."""
    option_params = {k: v for k, v in told_params(manifest).items() if not is_output(k, v)}
    seed = choose_seed(option_params, manifest["seed"]) if manifest["seed"] is not None else None
    params = {**reading.params, **option_params}
    return {k: params[k] for k in sorted(params) if k != seed}


def describe_seed_source(manifest: Mapping[str, Any], reading: Reading) -> str | None:
    """How the seed reached the command: `arguments`, `environment`, or `label` where it did not; None where the manifest cannot tell."""
    seed = manifest["seed"]
    if reading.seed is not None and seed in (None, reading.seed):
        return "arguments"
    source = manifest.get("seed_source")
    return source if source in ("arguments", "environment", "label") and seed is not None else None
