"""Names: what is read off a command, and the identity of a run that its name stands for."""

from __future__ import annotations

import os

from .files import CODE, SHELL
from .json_text import to_json
from .lean_imports import sha256
from .messages import warn
from .redaction import HIDDEN, LEFT_OUT, redact, redact_argv, redact_params
from .values import DIGITS, LETTERS, format_value, parse_number, parse_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from .values import Scalar


INTERPRETERS = ("python", "bash", "sh", "zsh", "dash", "Rscript", "julia", "perl", "ruby", "node")

# by these an interpreter is told to read its script from standard input
STDIN_WORDS = ("-", "/dev/stdin", "-s", "-es", "-xs", "-ls", "-exs", "-eus", "-euxs")

SAFE = frozenset(LETTERS + DIGITS + "._=,+@-")
# scheme 2 does without what Hydra's grammar reads: `dir={RUN_OUTPUT_DIR}` then holds nothing that would have to be quoted
PLAIN = frozenset(LETTERS + DIGITS + "._-")

NAME_BYTES = 120
# how much of a value stays in a name that is too long, the first that is enough
VALUE_BYTES = (24, 12)

SEED_NAMES = ("seed", "random_seed", "rng_seed", "manual_seed", "global_seed")

# What goes into a name, and how it is spelled, has a number: sweeps and reruns ask for the one that their runs were named by.
# Names that are not too long are the same in schemes 2 and 3.
NAME_SCHEME = 3
SCHEME_VARIABLE = "RUN_NAME_SCHEME"


def script_index(argv: Sequence[str]) -> int:
    """Where the program's own arguments begin, less one: its script, the module or code it is given, or the command itself."""
    modules = ("python", "torchrun", "accelerate", "deepspeed")
    for i, token in enumerate(argv):
        if token.endswith(CODE + SHELL) and not token.startswith("-"):
            return i
        flag = argv[i - 1] if i > 1 else ""
        if flag == "-m" and any(program_name(t) in modules for t in argv[: i - 1]):
            return i
        if flag in ("-c", "-e") and any(program_name(t) in INTERPRETERS for t in argv[: i - 1]):
            return i
    return 0


def program_name(token: str) -> str:
    """A program's bare name: `python` of `/usr/bin/python3.11`."""
    return os.path.basename(token).rstrip(DIGITS + ".")


def command_params(argv: Sequence[str]) -> dict[str, Scalar]:
    """Parameters read off a command: `--lr 0.1`, `--lr=0.1`, `lr=0.1`, `--flag`, `--no-flag`; repeated ones joined by commas.

    In the order of the command, a repeated one where it stands last.
    """
    params: dict[str, list[str]] = {}
    rest = list(argv)[script_index(argv) + 1 :]
    while rest:
        token = rest.pop(0)
        if token.startswith("-") and token.strip("-") and parse_number(token) is None:
            name, equals, value = token.lstrip("-").partition("=")
            if not equals and rest and is_value(rest[0]):
                value = rest.pop(0)
            elif not equals:
                negated = name.startswith(("no-", "no_"))
                name, value = (name[3:], "false") if negated else (name, "true")
        elif is_assignment(token):
            name, _, value = token.lstrip("+~").partition("=")
        else:
            continue
        key = name.replace("-", "_")
        params[key] = [*params.pop(key, ()), value]  # where it stands last, it counts
    return {
        k: parse_value(v[0]) if len(v) == 1 else ",".join(format_value(parse_value(x)) for x in v)
        for k, v in params.items()
        if k
    }


def is_assignment(token: str) -> bool:
    """Whether an argument is one of the kind `lr=0.1`, `+model.lr=0.1`."""
    name, equals, _ = token.partition("=")
    name = name.lstrip("+~")
    return (
        bool(equals and name) and (name[0].isalpha() or name[0] == "_") and not name.strip(LETTERS + DIGITS + "_.@/-")
    )


def is_value(token: str) -> bool:
    """Whether an argument after an option would be its value: a number, or what is neither option nor assignment."""
    return parse_number(token) is not None or not ((token.startswith("-") and len(token) > 1) or is_assignment(token))


def command_seed(params: Mapping[str, Scalar]) -> str | None:
    """The parameter that is the command's seed: `seed`, `random_seed`, `trainer.seed` and their like."""
    seeds = [
        k
        for k in params
        if k.rpartition(".")[2] in SEED_NAMES and isinstance(params[k], int) and not isinstance(params[k], bool)
    ]
    return min(seeds, key=lambda k: (SEED_NAMES.index(k.rpartition(".")[2]), k.count("."), k)) if seeds else None


def default_experiment(argv: Sequence[str]) -> str:
    """The experiment of a command that names none: its script's name without suffix, the module's last part, the program."""
    index = script_index(argv)
    if argv[index].endswith(CODE + SHELL):
        return os.path.splitext(os.path.basename(argv[index]))[0]
    if index and argv[index - 1] == "-m":
        return argv[index].rpartition(".")[2]
    programs = [program_name(t) for t in argv[:index] if program_name(t) in INTERPRETERS]
    return programs[-1] if programs else os.path.basename(argv[0])


def safe_name(text: str, allowed: frozenset[str] = SAFE) -> str:
    """`text` with every character that a file name or a shell could trip over replaced by `_`."""
    return "".join(c if c in allowed else "_" for c in text)


def choose_scheme(requested: object, configured: object) -> int:
    """The scheme of names that is requested, else configured, else 1; the newest that there is where both are unknown, which is said."""
    for wish in (requested, configured):
        number = parse_number(str(wish)) if wish else None
        if isinstance(number, int) and 1 <= number <= NAME_SCHEME:
            return number
        if wish:
            warn(f"there is no scheme {wish} of names in this recorder, which knows up to {NAME_SCHEME}")
    return NAME_SCHEME if requested or configured else 1


class Identity:
    """What one run is, wherever it runs: `name` is the same on every machine.

    `argv`, `params` and `experiment` have `***` in place of secrets. The name is not made from these: a secret is no part of it, and
    all else counts as it is; `secrets` is how many were left out. (In scheme 1 `***` counted as if it had been typed.)
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        experiment: str | None = None,
        seed: int | None = None,
        params: Mapping[str, Scalar] | None = None,
        cwd: str = ".",
        top: str = "",
        code: str | None = None,
        files: Sequence[str] = (),
        scheme: int = NAME_SCHEME,
    ) -> None:
        """`files` are SHA-256 of config files; `top` is the repository's absolute path, which is left out of the identity."""
        marked = redact_argv(argv, LEFT_OUT)
        merged = {k: v for k, v in command_params(marked).items() if not (isinstance(v, str) and "{RUN_" in v)}
        seed_param = command_seed(merged)
        self.names_seed = seed_param is not None and (seed is None or seed == merged[seed_param])
        if seed_param is not None and self.names_seed:
            seed = int(str(merged.pop(seed_param)))
        merged.update(params or {})
        values = redact_params(merged, LEFT_OUT)
        title = redact(experiment or default_experiment(marked), mark=LEFT_OUT)
        shown = HIDDEN if scheme == 1 else ""
        self.argv = [token.replace(LEFT_OUT, HIDDEN) for token in marked]
        self.params = {_fill(k, HIDDEN): _fill(v, HIDDEN) for k, v in values.items()}
        self.experiment = title.replace(LEFT_OUT, HIDDEN)
        self.secrets = sum(text.count(LEFT_OUT) for text in marked)
        self.secrets += sum(
            LEFT_OUT in f"{k}{v}" for k, v in redact_params(params or {}, LEFT_OUT).items()
        ) + title.count(LEFT_OUT)
        self.seed = seed
        self.cwd = cwd
        self.scheme = scheme
        counted = {_fill(k, shown): _fill(v, shown) for k, v in values.items() if scheme == 1 or v != LEFT_OUT}
        parts = {
            "experiment": title.replace(LEFT_OUT, shown),
            "argv": [
                _portable(token.replace(LEFT_OUT, shown), top, first=i == 0)
                for i, token in enumerate(marked)
                if scheme == 1 or token != LEFT_OUT
            ],
            "cwd": cwd,
            "seed": seed,
            "params": {k: path_below(format_value(v), top) for k, v in counted.items()},
            "code": code,
            "files": list(files),
            **({"scheme": 2} if scheme > 1 else {}),
        }
        self.digest = sha256(to_json(parts).encode()).hexdigest()[:8]
        pairs = [(k, path_below(format_value(v), top)) for k, v in counted.items() if v != shown]
        self.name = self._name(title.replace(LEFT_OUT, shown), pairs, [*merged])

    def _name(self, title: str, pairs: Sequence[tuple[str, str]], typed: Sequence[str]) -> str:
        tail = ("" if self.seed is None else "-s%d" % self.seed)[: NAME_BYTES // 2] + "-" + self.digest
        if self.scheme == 1:
            head = safe_name(title).lstrip("._=,+@-") or "run"
            text = ",".join(f"{safe_name(k)}={safe_name(v)}" for k, v in pairs)
            return (head + ("-" + text if text else ""))[: NAME_BYTES - len(tail)].rstrip("._=,+@-") + tail
        name = (safe_name(title, PLAIN).lstrip("._-") or "run")[: NAME_BYTES - len(tail)].rstrip("._-")
        spelled = [(safe_name(k, PLAIN), safe_name(v, PLAIN)) for k, v in pairs]
        room = NAME_BYTES - len(tail) - len(name)
        if self.scheme == 2:
            return name + _first_pairs(spelled, room) + tail
        whole = "".join("-%s_%s" % pair for pair in spelled).rstrip("._-")
        if len(whole) <= room:
            return name + whole + tail
        ranks = {_fill(redact(key, mark=LEFT_OUT), ""): rank for rank, key in enumerate(typed)}
        return name + _last_pairs(spelled, [ranks.get(key, 0) for key, _ in pairs], room) + tail


def _first_pairs(pairs: Sequence[tuple[str, str]], room: int) -> str:
    """Parameters from the first on, as far as there is room."""
    text = ""
    for key, value in pairs:
        pair = f"-{key}_{value}"
        left = room - len(text)
        if len(pair) > left and "_" not in pair[:left]:
            break  # a parameter without any of its value says nothing
        text += pair[:left].rstrip("._-")
    return text


def _last_pairs(pairs: Sequence[tuple[str, str]], ranks: Sequence[int], room: int) -> str:
    """Parameters with the ends of long values; where that is too much, those that stand last in the command: of the highest `ranks`.

    What a sweep varies stands last in its commands, and what tells paths apart at their end.
    """
    texts: list[str] = []
    for most in VALUE_BYTES:
        texts = [("-%s_%s" % (key, value[-most:].lstrip("._-"))).rstrip("._-") for key, value in pairs]
        if sum(map(len, texts)) <= room:
            return "".join(texts)
    kept = set()
    for _, index in sorted(zip(ranks, range(len(texts))), reverse=True):
        if len(texts[index]) <= room:
            room -= len(texts[index])
            kept.add(index)
    return "".join(text for index, text in enumerate(texts) if index in kept)


def _fill(value: Scalar, mark: str) -> Any:
    return value.replace(LEFT_OUT, mark) if isinstance(value, str) else value


def _portable(token: str, top: str, *, first: bool) -> str:
    name, equals, value = token.partition("=")
    if not equals:
        name, value = "", token
    below = path_below(value, top)
    if first and below.startswith("/"):
        below = os.path.basename(below)
    return name + equals + format_value(parse_value(below))


def path_below(text: str, top: str) -> str:
    """A path of the repository as it is below the repository's top, which lies elsewhere on every machine."""
    return text[len(top) + 1 :] if top and text.startswith(top + "/") else text
