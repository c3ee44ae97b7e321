#!/usr/bin/env -S python3 -IS
"""Record one run of a command: its name, code, seed, environment, output and end, in one manifest.

Standard library only, Python 3.8 or newer, POSIX. A command (`record_run.py [options] -- COMMAND ...`), and inside Python
`with record("baseline", seed=1, params=cfg) as run: ...`. In the order of this file: values -> secrets -> names -> the
workspace -> git -> code state -> an attempt's files -> slow facts -> output -> the command -> record() -> options, main.

Starting up is most of what a run pays, and this file is compiled at every start. So what not every run needs is imported
where it is needed, and the types of functions stand in comments: as annotations they are a fifth of the compiling.
"""

from __future__ import annotations

import errno
import os
import select
import stat
import sys
import time
from _thread import allocate_lock, start_new_thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    import signal
    from hashlib import sha256
    from types import TracebackType
    from typing import (
        IO,
        Any,
        Callable,
        Dict,
        Iterable,
        Iterator,
        List,
        Mapping,
        Optional,
        Sequence,
        Set,
        Tuple,
        Type,
        Union,
    )

    Scalar = Union[str, int, float, bool, None]
    Entries = Dict[str, Tuple[str, str]]
else:
    # json, re, signal and hashlib would take a third of the recorder's own time: enums, and the loading of OpenSSL
    try:
        import _signal as signal
    except ImportError:
        import signal
    for _module in ("_sha2", "_sha256", "hashlib"):
        try:
            sha256 = __import__(_module).sha256
            break
        except (ImportError, AttributeError):
            continue

VERSION = "1.0"
HIDDEN = "***"
TOLD = ("RUN_NAME", "RUN_OUTPUT_DIR", "RUN_SEED", "RUN_MANIFEST")
TELL = "RUN_TELL"
ROLES = ("scripts", "logs", "outputs", "results", "analysis", "metadata")
CODE = (
    ".py",
    ".R",
    ".r",
    ".jl",
    ".m",
    ".lua",
    ".pl",
    ".rb",
    ".js",
    ".ts",
    ".c",
    ".cc",
    ".cpp",
    ".h",
    ".cu",
    ".go",
    ".rs",
    ".ipynb",
)
SHELL = (".sh", ".bash", ".sbatch", ".slurm")
INTERPRETERS = ("python", "bash", "sh", "zsh", "dash", "Rscript", "julia", "perl", "ruby", "node")
CONFIG = (".yaml", ".yml", ".toml", ".ini", ".cfg", ".gin", ".jsonnet")
DIGITS = "0123456789"
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
SAFE = frozenset(LETTERS + DIGITS + "._=,+@-")
NAME_BYTES = 120
GIT_S = 10
GRACE_S = 10.0
ORPHAN_S = 3.0
FACTS_S = 2.0
PATCH_FILE_BYTES = 1 << 20
PATCH_BYTES = 8 << 20
UNTRACKED = 200
TEXT_LENGTH = 1000
HASHED_BYTES = 64 << 20


def say(message):  # type: (str) -> None
    """Tell the user on stderr of the recorder's own trouble; never fails."""
    try:
        os.write(2, ("recorder: %s\n" % message).encode("utf-8", "backslashreplace"))
    except OSError:
        pass


def number(text):  # type: (str) -> Optional[Union[int, float]]
    """The number that `text` writes, an int where it is whole; None where it writes none (`007`, `1_000` and `nan` do not)."""
    digits = text.lstrip("+-")
    if not digits or not set(text) <= set("0123456789+-.eE") or (digits[0] == "0" and digits[1:2].isdigit()):
        return None
    try:
        whole = int(text)
        return float(whole) if 10**16 <= abs(whole) < 10**300 and float(whole) == whole else whole
    except ValueError:
        pass
    try:
        real = float(text)
    except ValueError:
        return None
    if real - real != 0:
        return None
    return int(real) if abs(real) < 1e16 and real == int(real) else real


def dump(value, indent=""):  # type: (Any, str) -> str
    """JSON: in one line with sorted keys and no spaces, or (`indent` a line break) readable and in order.

    `json` is not imported for it. What is no UTF-8 (surrogates) is escaped in both.
    """
    inner = indent and indent + " "
    if isinstance(value, dict):
        keys = value if indent else sorted(value)
        rows = [inner + quote(k, ascii=not indent) + (": " if indent else ":") + dump(value[k], inner) for k in keys]
        return "{%s%s}" % (",".join(rows), indent if rows else "")
    if isinstance(value, (list, tuple)):
        return "[%s%s]" % (",".join(inner + dump(v, inner) for v in value), indent if value else "")
    if isinstance(value, str):
        return quote(value, ascii=not indent)
    return "null" if value is None else repr(value) if not isinstance(value, bool) else "true" if value else "false"


def quote(text, *, ascii):  # type: (str, bool) -> str
    """A JSON string; `ascii` escapes all else."""
    if text.isprintable() and '"' not in text and "\\" not in text and (text.isascii() or not ascii):
        return '"%s"' % text
    return "".join(['"', *(_escaped(c, ascii) for c in text), '"'])


def _escaped(c, ascii):  # type: (str, bool) -> str
    if c in '"\\':
        return "\\" + c
    if " " <= c < "\x7f" or (not ascii and c > "\x7f" and not "\ud800" <= c <= "\udfff"):
        return c
    if c > "\uffff":
        high, low = divmod(ord(c) - 0x10000, 0x400)
        return "\\u%04x\\u%04x" % (0xD800 + high, 0xDC00 + low)
    return {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\b": "\\b", "\f": "\\f"}.get(c, "\\u%04x" % ord(c))


def parse(text):  # type: (str) -> Any
    """The value that JSON text holds. Raises ValueError."""
    try:
        from _json import make_scanner  # json without its imports, which it needs for errors only

        settings: Any = Scanner
        value, end = make_scanner(settings)(text.strip(), 0)
        if end == len(text.strip()):
            return value
    except (ImportError, StopIteration, SystemError, ValueError):
        pass
    import json

    return json.loads(text)


class Scanner:
    """How JSON is read; the names are the scanner's."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float, parse_int, parse_constant = float, int, float
    memo: Mapping[str, str] = {}


def load(path):  # type: (str) -> Any
    """The value that a JSON file holds. Raises OSError or ValueError."""
    with open(path, encoding="utf-8") as file:
        return parse(file.read())


def value_of(text):  # type: (str) -> Scalar
    """What a command line means by `text`: a number, true or false, null, or the text itself."""
    found = number(text)
    if found is not None:
        return found
    return {"true": True, "false": False, "null": None, "none": None}.get(text.lower(), text)


def shortest(value):  # type: (Scalar) -> str
    """The shortest usual form of a value: `1e-3` and `.001` are both `0.001`, `True` is `true`."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float):
        return repr(value).replace("e+", "e").replace("e-0", "e-")
    return str(value)


def scalar(value):  # type: (Any) -> Scalar
    """A Python value as what a manifest can hold; numbers that JSON lacks become text."""
    if hasattr(value, "item") and not isinstance(value, (str, int, float)):
        try:
            value = value.item()
        except (TypeError, ValueError):
            value = str(value)
    if value is None or isinstance(value, (bool, str, int)):
        return value
    if isinstance(value, float):
        return value_of(repr(value))
    if isinstance(value, (list, tuple)):
        return ",".join(shortest(scalar(v)) for v in value)
    return str(value)


def flatten(values, prefix=""):  # type: (Any, str) -> Dict[str, Scalar]
    """Nested mappings (or anything with `vars`) as one level: `{"model": {"lr": 1}}` is `{"model.lr": 1}`."""
    items = values if hasattr(values, "keys") else vars(values)
    flat: Dict[str, Scalar] = {}
    for key in items:
        value = items[key]
        if hasattr(value, "keys"):
            flat.update(flatten(value, "%s%s." % (prefix, key)))
        else:
            flat["%s%s" % (prefix, key)] = scalar(value)
    return flat


STRONG = frozenset(
    "secret secrets password passwords passwd passphrase pwd credential credentials bearer jwt apikey apitoken accesskey secretkey"
    " privatekey sshkey authtoken accesstoken".split()
)
WEAK = frozenset("token tokens key keys auth oauth authorization authentication".split())
SECRET_WORDS = ("token", "key", "secret", "passw", "passphrase", "pwd", "auth", "credential", "bearer", "jwt")
WORDS = "|".join(SECRET_WORDS)
SHAPE_STARTS = (
    "hf_",
    "sk-",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "xox",
    "AKIA",
    "ASIA",
    "AIza",
    "eyJ",
    "-----BEGIN",
)
QUOTED = r"[fFrRbBuU]{0,2}(?P<q>\\?[\"'])(?P<quoted>(?:(?!(?P=q))(?:\\.|[^\n]))*)(?P=q)"
ASSIGNED = (
    r"(?:%s)[\w.\-]{0,64}\\?[\"']?\]?(?:\s{0,4}:\s{0,4}[\w.\[\], |]{1,40}?)?\s{0,4}(?:=>|:=|(?<![=!<>])[:=](?![=:/]))\s{0,4}"
    % WORDS
)
PLAIN = {"text": r"(?P<plain>[^\s\"'&;,|<>()\[\]{}\\]+)", "config": r"(?P<plain>[^\s\"'#\[{&*|>!][^\n#\"']*)"}
SHAPES = (
    r"(?<![A-Za-z0-9])(?:hf_[A-Za-z0-9]{16,}|sk-(?=[\w-]*\d)[\w-]{16,}|gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{20,}|glpat-[\w-]{16,}"
    r"|xox[abprs]-[\w-]{10,}|A[KS]IA[0-9A-Z]{16}|AIza[\w-]{30,}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]+)"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----(?:(?!-----END)[\s\S])*"
)
HEADER = (
    r"(?i)((?:authorization|x-auth-token|x-api-key)\\?[\"']?\s*[:=]\s*(?:[fFrRbB]?\\?[\"'])?)"
    r"((?:(?:bearer|basic|token)\s+)?[^\s\"'\\,;{}$]{3,})"
)
HEX40 = r"(?<![0-9A-Za-z@/#.])[0-9a-f]{40}(?![0-9A-Za-z])"
REVISION = r"(?i)(?<![a-z])(?:commit|revision|rev|sha\d*|hash|digest|ref|checksum|version|index|tree|blob)(?:[^a-z]|$)"


def pattern(source):  # type: (str) -> re.Pattern[str]
    """`source` compiled; only texts that hold a word of interest ever need it."""
    import re

    return re.compile(source)


def has_any(text, words):  # type: (str, Sequence[str]) -> bool
    """Whether one of `words` is in `text`."""
    return any(word in text for word in words)


def secrecy(name):  # type: (str) -> int
    """How much the name of an option or variable looks like a secret: 0 not, 1 as `key` and `token` do, 2 as `password` does."""
    if not has_any(name.lower(), SECRET_WORDS):
        return 0
    words = [w.lower() for w in pattern(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+").findall(name)]
    ends = ("token", "secret", "password", "passwd", "apikey", "credential", "credentials")
    if STRONG.intersection(words) or any(w.endswith(ends) and w not in WEAK for w in words):
        return 2
    return 1 if WEAK.intersection(words) else 0


def harmless(value, level):  # type: (str, int) -> bool
    """Whether a value under a secret-looking name is none: nothing, a switch, or (`max_tokens: 512`) a short number."""
    text = value.strip()
    known = text.lower() in ("", "true", "false", "null", "none", HIDDEN)
    return known or (level < 2 and len(text) < 8 and number(text) is not None)


def is_reference(value):  # type: (str) -> bool
    """Whether a value in a text stands for another (`$TOKEN`, `{token}`, `<your token>`): then it is no secret itself."""
    return value.lstrip()[:1] in ("$", "{", "<")


def is_revision(context):  # type: (str) -> bool
    """Whether what is said before 40 hex digits calls them a revision."""
    return pattern(REVISION).search(context) is not None


def redact(text, kind="text"):  # type: (str, str) -> str
    """`text` without its secrets; `kind` is text (arguments, shell), config (a value lasts to the end of its line) or code."""
    if "://" in text:
        text = pattern(r"([A-Za-z][A-Za-z0-9+.\-]*://)([^\s/\"'<>]+)@").sub(_redact_userinfo, text)
    low = text.lower()
    if "authorization" in low or "x-auth" in low or "x-api-key" in low:
        text = pattern(HEADER).sub(_redact_header, text)
    if has_any(low, SECRET_WORDS):
        values = QUOTED if kind == "code" else "(?:%s|%s)" % (QUOTED, PLAIN[kind])
        text = pattern("(?i)" + ASSIGNED + values).sub(lambda m: _redact_assigned(m, kind), text)
        if kind == "text":
            text = pattern(
                r"(?i)(?P<name>--?[\w-]*(?:%s)[\w-]*)\s+(?:%s|(?P<plain>[^\s\"'-]\S*))" % (WORDS, QUOTED)
            ).sub(lambda m: _redact_assigned(m, kind), text)
    for known in known_secrets():
        text = text.replace(known, HIDDEN)
    if has_any(text, SHAPE_STARTS):
        text = pattern(SHAPES).sub(HIDDEN, text)
    return pattern(HEX40).sub(_redact_hex, text) if len(text) >= 40 else text


def _redact_userinfo(match):  # type: (re.Match[str]) -> str
    user, colon, password = match.group(2).partition(":")
    if (password if colon else user)[:1] in ("$", "{") or not (colon or match.group(1).startswith("http")):
        return match.group()
    return match.group(1) + HIDDEN + "@"


def _redact_header(match):  # type: (re.Match[str]) -> str
    known = match.group(2).lower() in ("bearer", "basic", "token", HIDDEN)
    return match.group() if known else match.group(1) + HIDDEN


def _redact_assigned(match, kind):  # type: (re.Match[str], str) -> str
    left = pattern(r"[\w.\-]*$").search(match.string[max(0, match.start() - 64) : match.start()])
    right = pattern(r"[\w.\-]*").match(match.group())
    name = (left.group() if left else "") + (right.group() if right else "")
    which = "quoted" if match.group("quoted") is not None else "plain"
    value, level = match.group(which), secrecy(name)
    if level == 0 or harmless(value, level) or is_reference(value) or (which == "quoted" and "{" in value):
        return match.group()
    if kind == "code" and name.strip("-.") == "key" and pattern(r"[A-Za-z_./ -]*").fullmatch(value):
        return match.group()
    start, end = match.span(which)
    return match.group()[: start - match.start()] + HIDDEN + match.group()[end - match.start() :]


def _redact_hex(match):  # type: (re.Match[str]) -> str
    return match.group() if is_revision(match.string[max(0, match.start() - 24) : match.start()]) else HIDDEN


def known_secrets():  # type: () -> Sequence[str]
    """Values of this environment's variables whose names look like secrets: they are hidden wherever they turn up."""
    global _known
    if _known is None:
        _known = sorted((v for k, v in os.environ.items() if _is_known(k, v)), key=len, reverse=True)
    return _known


def _is_known(name, value):  # type: (str, str) -> bool
    if len(value) < 8 or value.startswith(("/", "~")) or number(value) is not None:
        return False
    level = secrecy(name)
    return level == 2 or (level == 1 and (len(value) >= 20 or has_any(value, DIGITS)))


_known: Optional[List[str]] = None


def redact_argv(argv):  # type: (Sequence[str]) -> List[str]
    """A command's arguments without secrets: `--token X`, `token=X`, `--token=X`, URLs, headers, known shapes."""
    safe: List[str] = []
    previous = ""
    for token in argv:
        level = secrecy(previous) if previous.startswith("-") and "=" not in previous else 0
        name, equals, value = token.partition("=")
        if (
            level
            and not token.startswith("-")
            and not harmless(token, level)
            and not previous.lstrip("-").startswith(("use", "no-", "with"))
        ):
            safe.append(HIDDEN)
        elif (
            equals and secrecy(name) and pattern(r"[\w.+~/@-]+").fullmatch(name) and not harmless(value, secrecy(name))
        ):
            safe.append(name + "=" + HIDDEN)
        elif len(token) == 40 and not token.strip("0123456789abcdef") and is_revision(previous):
            safe.append(token)
        else:
            safe.append(redact(token))
        previous = token
    return safe


def redact_params(params):  # type: (Mapping[str, Scalar]) -> Dict[str, Scalar]
    """Parameters without secrets, sorted by name."""
    safe: Dict[str, Scalar] = {}
    for key in sorted(params):
        value, level = params[key], secrecy(key)
        if isinstance(value, str):
            value = HIDDEN if level and not harmless(value, level) else redact(key + "=" + value)[len(key) + 1 :]
        safe[redact(key)] = (
            HIDDEN if level == 2 and isinstance(value, (int, float)) and not isinstance(value, bool) else value
        )
    return safe


def script_at(argv):  # type: (Sequence[str]) -> int
    """Where the program's own arguments begin, less one: its script, the module or code it is given, or the command itself."""
    modules = ("python", "torchrun", "accelerate", "deepspeed")
    for i, token in enumerate(argv):
        if token.endswith(CODE + SHELL) and not token.startswith("-"):
            return i
        flag = argv[i - 1] if i > 1 else ""
        if flag == "-m" and any(program(t) in modules for t in argv[: i - 1]):
            return i
        if flag in ("-c", "-e") and any(program(t) in INTERPRETERS for t in argv[: i - 1]):
            return i
    return 0


def program(token):  # type: (str) -> str
    """A program's bare name: `python` of `/usr/bin/python3.11`."""
    return os.path.basename(token).rstrip(DIGITS + ".")


def command_params(argv):  # type: (Sequence[str]) -> Dict[str, Scalar]
    """Parameters read off a command: `--lr 0.1`, `--lr=0.1`, `lr=0.1`, `--flag`, `--no-flag`; repeated ones joined by commas."""
    found: Dict[str, List[str]] = {}
    rest = list(argv)[script_at(argv) + 1 :]
    while rest:
        token = rest.pop(0)
        if token.startswith("-") and token.strip("-") and number(token) is None:
            name, equals, value = token.lstrip("-").partition("=")
            if not equals and rest and _is_value(rest[0]):
                value = rest.pop(0)
            elif not equals:
                negated = name.startswith(("no-", "no_"))
                name, value = (name[3:], "false") if negated else (name, "true")
        elif _is_assignment(token):
            name, _, value = token.lstrip("+~").partition("=")
        else:
            continue
        found.setdefault(name.replace("-", "_"), []).append(value)
    return {
        k: value_of(v[0]) if len(v) == 1 else ",".join(shortest(value_of(x)) for x in v) for k, v in found.items() if k
    }


def _is_assignment(token):  # type: (str) -> bool
    name, equals, _ = token.partition("=")
    name = name.lstrip("+~")
    return (
        bool(equals and name) and (name[0].isalpha() or name[0] == "_") and not name.strip(LETTERS + DIGITS + "_.@/-")
    )


def _is_value(token):  # type: (str) -> bool
    return number(token) is not None or not ((token.startswith("-") and len(token) > 1) or _is_assignment(token))


def command_seed(params):  # type: (Mapping[str, Scalar]) -> Optional[str]
    """The parameter that is the command's seed: `seed`, `random_seed`, `trainer.seed` and their like."""
    names = ("seed", "random_seed", "rng_seed", "manual_seed", "global_seed")
    seeds = [
        k
        for k in params
        if k.rpartition(".")[2] in names and isinstance(params[k], int) and not isinstance(params[k], bool)
    ]
    return min(seeds, key=lambda k: (names.index(k.rpartition(".")[2]), k.count("."), k)) if seeds else None


def default_experiment(argv):  # type: (Sequence[str]) -> str
    """The experiment of a command that names none: its script's name without suffix, the module's last part, the program."""
    at = script_at(argv)
    if argv[at].endswith(CODE + SHELL):
        return os.path.splitext(os.path.basename(argv[at]))[0]
    if at and argv[at - 1] == "-m":
        return argv[at].rpartition(".")[2]
    programs = [program(t) for t in argv[:at] if program(t) in INTERPRETERS]
    return programs[-1] if programs else os.path.basename(argv[0])


def safe_name(text):  # type: (str) -> str
    """`text` with every character that a file name or a shell could trip over replaced by `_`."""
    return "".join(c if c in SAFE else "_" for c in text)


class Identity:
    """What one run is, wherever it runs: `name` is the same on every machine. Everything here is free of secrets."""

    def __init__(
        self,
        argv,
        *,
        experiment=None,
        seed=None,
        params=None,
        cwd=".",
        top="",
        code=None,
        files=(),
    ):
        # type: (Sequence[str], Optional[str], Optional[int], Optional[Mapping[str, Scalar]], str, str, Optional[str], Sequence[str]) -> None
        """`files` are SHA-256 of config files; `top` is the repository's absolute path, left out of the identity."""
        found = {k: v for k, v in command_params(argv).items() if not (isinstance(v, str) and "{RUN_" in v)}
        own = command_seed(found)
        if own is not None and (seed is None or seed == found[own]):
            seed = int(str(found.pop(own)))
        found.update(params or {})
        self.argv = redact_argv(argv)
        self.experiment = redact(experiment or default_experiment(self.argv))
        self.seed = seed
        self.params = redact_params(found)
        self.cwd = cwd
        parts = {
            "experiment": self.experiment,
            "argv": [_portable(token, top, first=i == 0) for i, token in enumerate(self.argv)],
            "cwd": cwd,
            "seed": seed,
            "params": {k: _below(shortest(v), top) for k, v in self.params.items()},
            "code": code,
            "files": list(files),
        }
        self.digest = sha256(dump(parts).encode()).hexdigest()[:8]
        self.name = self._name(top)

    def _name(self, top):  # type: (str) -> str
        pairs = ",".join(
            "%s=%s" % (safe_name(k), safe_name(_below(shortest(v), top))) for k, v in self.params.items() if v != HIDDEN
        )
        head = safe_name(self.experiment).lstrip("._=,+@-") or "run"
        tail = ("" if self.seed is None else "-s%d" % self.seed)[: NAME_BYTES // 2] + "-" + self.digest
        return (head + ("-" + pairs if pairs else ""))[: NAME_BYTES - len(tail)].rstrip("._=,+@-") + tail


def _portable(token, top, *, first):  # type: (str, str, bool) -> str
    name, equals, value = token.partition("=")
    if not equals:
        name, value = "", token
    below = _below(value, top)
    if first and below.startswith("/"):
        below = os.path.basename(below)
    return name + equals + shortest(value_of(below))


def _below(text, top):  # type: (str, str) -> str
    """A path of the repository as it is below the repository's top, which lies elsewhere on every machine."""
    return text[len(top) + 1 :] if top and text.startswith(top + "/") else text


class Workspace:
    """Where things are: every path is relative to `workdir`."""

    def __init__(self, workdir, facts):  # type: (str, Mapping[str, Any]) -> None
        self.workdir = workdir
        self.root = str(facts.get("experiment_root") or "exp").strip("/")
        self.per_experiment = facts.get("layout") == "per-experiment"
        self.tasks = str(facts.get("tasks_path") or self.root + "/tasks.md")
        self.manager = str(facts.get("environment_manager") or "") or None
        roles = facts.get("role_dirs")
        self.roles = {r: str(roles.get(r) or r) if isinstance(roles, dict) else r for r in ROLES}

    def role(self, name, experiment):  # type: (str, str) -> str
        """The directory of a role for an experiment."""
        middle = [safe_name(experiment).lstrip("._=,+@-") or "run"] if self.per_experiment else []
        return os.path.normpath("/".join([self.root, *middle, self.roles[name]]))

    def experiment_at(self, folder):  # type: (str) -> Optional[str]
        """The experiment whose own folder holds `folder`, where the layout has one for each."""
        below_root = os.path.relpath(os.path.realpath(folder), os.path.realpath(os.path.join(self.workdir, self.root)))
        first = below_root.split("/")[0]
        return first if self.per_experiment and first not in (".", "..", self.roles["scripts"]) else None

    def records(self, prefix):  # type: (str) -> List[Tuple[str, str]]
        """Where runs leave things behind, as git pathspecs (magic, pattern): git need not look there, however much it is."""
        kind, middle = ("glob", "/*/") if self.per_experiment else ("literal", "/")
        return [(kind, prefix + self.root + middle + self.roles[r]) for r in ROLES[1:]]

    def is_record(self, path):  # type: (str) -> bool
        """Whether a path below the root lies where runs leave things behind."""
        return below(path.partition("/")[2] if self.per_experiment else path, [self.roles[r] for r in ROLES[1:]])


def locate(script):  # type: (str) -> Workspace
    """The workspace that this recorder lies in. What `workspace.json` beside it does not say has its default."""
    facts: Dict[str, Any] = {}
    here = os.path.dirname(os.path.abspath(script))
    try:
        facts = load(os.path.join(here, "workspace.json"))
    except FileNotFoundError:
        facts = {
            "experiment_root": os.path.basename(os.path.dirname(here)),
            "role_dirs": {"scripts": os.path.basename(here)},
        }
    except (OSError, ValueError) as error:
        say("workspace.json beside the recorder cannot be read (%s); the usual directories are used" % error)
    workspace = Workspace(here, facts)
    tail = os.path.normpath(os.path.join(workspace.root, workspace.roles["scripts"]))
    for folder in (here, os.path.realpath(here)):
        if folder.endswith("/" + tail):
            workspace.workdir = folder[: -len(tail) - 1] or "/"
            return workspace
    raise Trouble("it lies in %s, not in %s of a work directory, as workspace.json says" % (here, tail))


class Trouble(Exception):
    """The recorder cannot do its part; the command runs all the same."""


class Asked:
    """A helper process with pipes: started now, read by `gather`."""

    def __init__(self, argv, stdin=b"", env=None):  # type: (Sequence[str], bytes, Optional[Mapping[str, str]]) -> None
        self.argv = argv
        self.todo = memoryview(stdin)
        ours_in, theirs_in, ours_out, theirs_out, ours_err, theirs_err = *os.pipe()[::-1], *os.pipe(), *os.pipe()
        actions = [(os.POSIX_SPAWN_DUP2, fd, n) for n, fd in enumerate((theirs_in, theirs_out, theirs_err))]
        options: Dict[str, Any] = {
            "file_actions": actions,
            "setpgroup": 0,
            "setsigmask": [],
            "setsigdef": [signal.SIGPIPE],
        }
        try:
            self.pid = os.posix_spawnp(argv[0], list(argv), env or os.environ, **options)
        except OSError:
            for fd in (ours_in, ours_out, ours_err):
                os.close(fd)
            raise
        finally:
            for fd in (theirs_in, theirs_out, theirs_err):
                os.close(fd)
        self.stdin: Optional[int] = ours_in
        self.output = {ours_out: bytearray(), ours_err: bytearray()}
        self.out, self.err = self.output.values()
        self.open = set(self.output)
        self.status: Optional[int] = None
        for fd in (ours_in, ours_out, ours_err):
            os.set_blocking(fd, False)

    def step(self, fd):  # type: (int) -> None
        """Move what can be moved through one ready pipe."""
        try:
            if fd == self.stdin:
                self.todo = self.todo[os.write(fd, self.todo) if self.todo else 0 :]
                done = not self.todo
            else:
                data = os.read(fd, 1 << 16)
                self.output[fd] += data
                done = not data
        except BlockingIOError:
            return
        except OSError:
            done = True
        if done:
            os.close(fd)
            self.open.discard(fd)
            self.stdin = None if fd == self.stdin else self.stdin

    def end(self, *, kill):  # type: (bool) -> None
        """Close what is open and reap the process."""
        for fd in [*self.open, *([] if self.stdin is None else [self.stdin])]:
            os.close(fd)
        self.open, self.stdin = set(), None
        if self.status is None:
            if kill:
                send((), signal.SIGKILL, group=self.pid)
            self.status = os.waitpid(self.pid, 0)[1]


def gather(asked, deadline):  # type: (Sequence[Asked], float) -> bool
    """Read the helpers to their ends; False, and they are killed, when that takes longer than `deadline` (monotonic)."""
    late = False
    while not late:
        poll = select.poll()
        owner = {}
        for one in asked:
            for fd in one.open:
                poll.register(fd, select.POLLIN)
                owner[fd] = one
            if one.stdin is not None:
                poll.register(one.stdin, select.POLLOUT)
                owner[one.stdin] = one
        if not owner:
            break
        left = deadline - time.monotonic()
        ready = poll.poll(left * 1000) if left > 0 else []
        late = not ready
        for fd, _ in ready:
            owner[fd].step(fd)
    for one in asked:
        one.end(kill=late)
    return not late


class Git:
    """The git command, asked in one repository until a deadline."""

    HOOKS = (
        "DIR",
        "WORK_TREE",
        "INDEX_FILE",
        "PREFIX",
        "COMMON_DIR",
        "OBJECT_DIRECTORY",
        "CONFIG",
        "CONFIG_PARAMETERS",
        "NAMESPACE",
    )

    def __init__(self, top):  # type: (str) -> None
        self.top = top
        self.seconds = number(os.environ.get("RUN_GIT_TIMEOUT", "")) or GIT_S
        self.deadline = time.monotonic() + self.seconds
        dropped = {"GIT_" + name for name in self.HOOKS}
        self.env = {k: v for k, v in os.environ.items() if k not in dropped}
        self.env.update(LC_ALL="C", GIT_OPTIONAL_LOCKS="0", GIT_TERMINAL_PROMPT="0")

    def start(self, *args, stdin=b""):  # type: (*str, bytes) -> Asked
        """Start `git ARGS` in the repository. Raises Trouble when there is no git."""
        settings = ["-C", self.top, "-c", "core.quotePath=false", "-c", "core.fsmonitor=false"]
        try:
            return Asked(["git", *settings, *args], stdin, self.env)
        except OSError as error:
            raise Trouble("git cannot be started (%s)" % error.strerror) from error

    def gather(self, *asked):  # type: (*Asked) -> None
        """Read to the end. Raises Trouble when git is too slow, or fails."""
        if not gather(asked, self.deadline):
            raise Trouble("git did not answer within %g s (more: RUN_GIT_TIMEOUT)" % self.seconds)
        for one in asked:
            if one.status != 0:
                raise Trouble(
                    "git failed: %s" % (one.err.decode("utf-8", "replace").strip().split("\n")[0] or one.status)
                )

    def ask(self, *args, stdin=b""):  # type: (*str, bytes) -> bytes
        """What `git ARGS` prints."""
        asked = self.start(*args, stdin=stdin)
        self.gather(asked)
        return bytes(asked.out)


def repository(folder):  # type: (str) -> Optional[str]
    """The top of the working tree that holds `folder`; found without git, by its `.git`."""
    while not os.path.exists(os.path.join(folder, ".git")):
        if folder in ("/", ""):
            return None
        folder = os.path.dirname(folder)
    return folder


class Status:
    """`git status --porcelain=v2 --branch -z`, parsed: what is changed among the files that count, and what is untracked."""

    def __init__(self, output, excluded):  # type: (bytes, Sequence[str]) -> None
        self.commit: Optional[str] = None
        self.branch: Optional[str] = None
        self.changed: Dict[str, str] = {}
        self.untracked: List[str] = []
        self.workspace: List[str] = []
        self.workspace_new: List[str] = []
        for raw in output.split(b"\0"):
            row = os.fsdecode(raw)
            kind = row[:2]
            if row.startswith("# branch.oid ") and row[13:] != "(initial)":
                self.commit = row[13:]
            elif row.startswith("# branch.head ") and row[14:] != "(detached)":
                self.branch = row[14:]
            elif kind in ("1 ", "u ", "? "):
                path = row[2:] if kind == "? " else row.split(" ", 8 if kind == "1 " else 10)[-1]
                self._sort(path, kind, "" if kind == "? " else row.split(" ")[2], excluded)

    def _sort(self, path, kind, submodule, excluded):  # type: (str, str, str, Sequence[str]) -> None
        if below(path, excluded):
            (self.workspace_new if kind == "? " else self.workspace).append(path)
        elif kind == "? ":
            if not any(e.startswith(path) for e in excluded if path.endswith("/")):
                self.untracked.append(path)
        else:
            self.changed[path] = submodule


def below(path, folders):  # type: (str, Iterable[str]) -> bool
    """Whether `path` is one of `folders`, or lies below one."""
    return any(path.rstrip("/") == f or path.startswith(f + "/") for f in folders)


def parents(path):  # type: (str) -> List[str]
    """The folders that hold `path`, topmost first: of `a/b/c` they are ``, `a`, `a/b`."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[:i]) for i in range(len(parts) + 1)]


def read_trees(git, commit, folders, asked=None):
    # type: (Git, Optional[str], Iterable[str], Optional[Asked]) -> Dict[str, Entries]
    """The entries (name -> mode, id) of folders of a commit, in one call; folders that it lacks have none."""
    names = sorted(set(folders))
    if commit is None:
        return {name: {} for name in names}
    if asked is None:
        asked = start_trees(git, commit, names)
        git.gather(asked)
    data, at = bytes(asked.out), 0
    trees: Dict[str, Entries] = {}
    for name in names:
        end = data.index(b"\n", at)
        header = data[at:end].split(b" ")
        at = end + 1
        trees[name] = {}
        if header[-1].isdigit() and len(header) == 3:
            trees[name] = (
                parse_tree(data[at : at + int(header[2])], len(header[0]) // 2) if header[1] == b"tree" else {}
            )
            at += int(header[2]) + 1
    return trees


def start_trees(git, commit, folders):  # type: (Git, str, Iterable[str]) -> Asked
    """Start reading the trees of `folders`."""
    names = "".join("%s:%s\n" % (commit, name) for name in sorted(set(folders)))
    return git.start("cat-file", "--batch", stdin=os.fsencode(names))


def parse_tree(data, size):  # type: (bytes, int) -> Entries
    """A git tree object's entries; ids are `size` bytes long."""
    entries, at = {}, 0
    while at < len(data):
        end = data.index(b"\0", at)
        mode, _, name = data[at:end].partition(b" ")
        entries[os.fsdecode(name)] = (mode.decode(), data[end + 1 : end + 1 + size].hex())
        at = end + 1 + size
    return entries


class CodeTree:
    """A commit's tree with the working tree's changes put in, as `git add` would: its `digest` is the code state.

    Only folders that hold an excluded or a changed path are opened, so that dirty code and the same code committed are one.
    """

    def __init__(self, trees, changed, excluded):
        # type: (Mapping[str, Entries], Mapping[str, Optional[Tuple[str, str]]], Sequence[str]) -> None
        self.trees = trees
        self.changed = changed
        self.excluded = excluded

    def entries(self, folder):  # type: (str) -> Entries
        """The entries of a folder with the changes put in."""
        found = dict(self.trees.get(folder, {}))
        prefix = folder + "/" if folder else ""
        for path in {p[len(prefix) :].split("/")[0] for p in self.changed if p.startswith(prefix)}:
            new = self.changed[prefix + path] if prefix + path in self.changed else self.tree_id(prefix + path)
            found.pop(path, None)
            if new is not None:
                found[path] = new
        return found

    def tree_id(self, folder):  # type: (str) -> Optional[Tuple[str, str]]
        """The id that git gives a folder's tree; None for an empty one."""
        entries = self.entries(folder)
        order = sorted(entries, key=lambda n: os.fsencode(n + "/" if entries[n][0] == "40000" else n))
        body = b"".join(
            b"%s %s\0%s" % (entries[n][0].encode(), os.fsencode(n), bytes.fromhex(entries[n][1])) for n in order
        )
        if not order:
            return None
        from hashlib import sha1

        algorithm = sha256 if len(entries[order[0]][1]) == 64 else sha1
        return "40000", algorithm(b"tree %d\0%s" % (len(body), body)).hexdigest()

    def lines(self, folder=""):  # type: (str) -> Iterator[str]
        """`mode id path` of all that counts, sorted within each folder."""
        entries = self.entries(folder)
        for name in sorted(entries):
            path = folder + "/" + name if folder else name
            if path in self.excluded:
                continue
            if any(e.startswith(path + "/") for e in self.excluded) and entries[name][0] == "40000":
                yield from self.lines(path)
            else:
                yield "%s %s %s\n" % (*entries[name], path)

    def digest(self):  # type: () -> str
        """SHA-256 over the lines."""
        return sha256(os.fsencode("".join(self.lines()))).hexdigest()


class CodeState:
    """What the code of a run is: `git` for the manifest (None outside git), `patch` to save, `files` named by the command."""

    def __init__(self):  # type: () -> None
        self.git: Optional[Dict[str, Any]] = None
        self.top = ""
        self.patch: Optional[bytes] = None
        self.files: List[Tuple[str, str]] = []
        self.code: Optional[str] = None


def code_state(workspace, argv, *, with_patch):  # type: (Workspace, Sequence[str], bool) -> CodeState
    """Capture the code state before the command starts. Trouble with git is said, and leaves `git` None."""
    state = CodeState()
    workdir = os.path.realpath(workspace.workdir)
    top = repository(workdir)
    state.top = top or workdir
    prefix = os.path.relpath(workdir, state.top)
    prefix = "" if prefix == "." else prefix + "/"
    named = sorted({os.path.relpath(p, state.top) for p in named_files(argv) if p.startswith(state.top + "/")})
    inside = [p for p in named if p.startswith(prefix + workspace.root + "/")]
    counted = [
        p for p in inside if not (p.endswith(CONFIG) and workspace.is_record(p[len(prefix + workspace.root) + 1 :]))
    ]
    if top is None:
        state.files = hashed(state.top, [p for p in named if p not in inside] + counted)
        return state
    try:
        records = [":(exclude,%s)%s" % place for place in workspace.records(prefix)]
        _ask_git(state, Git(top), _excluded(workspace, prefix), records, named, counted, with_patch=with_patch)
    except Trouble as trouble:
        say("%s: the code state is not recorded" % trouble)
        state.files = hashed(state.top, named)
    return state


def _excluded(workspace, prefix):  # type: (Workspace, str) -> List[str]
    plan = os.path.dirname(workspace.tasks)
    plans = [prefix + plan] if plan else [prefix + workspace.tasks, prefix + "prompt_skill_playbook.md"]
    return sorted({os.path.normpath(p) for p in [prefix + workspace.root, *plans, prefix + ".agents", ".agents"]})


def named_files(argv):  # type: (Sequence[str]) -> List[str]
    """The source and config files that a command names, absolute."""
    words = [w for token in argv for w in (token, token.partition("=")[2]) if w.endswith(CODE + SHELL + CONFIG)]
    here = os.path.realpath(os.getcwd())
    return [
        path
        for w in words
        if os.path.isfile(w)
        for path in (os.path.normpath(os.path.join(here, w)), os.path.realpath(w))
    ]


def hashed(top, paths):  # type: (str, Iterable[str]) -> List[Tuple[str, str]]
    """`(path, SHA-256)` of files; one that is very big counts by its size."""
    found = []
    for path in paths:
        try:
            with open(os.path.join(top, path), "rb") as file:
                size = os.fstat(file.fileno()).st_size
                content = file.read() if size <= HASHED_BYTES else b"%d bytes" % size
        except OSError as error:
            raise Trouble("%s cannot be read (%s)" % (path, error.strerror)) from error
        found.append((path, sha256(content).hexdigest()))
    return found


def _ask_git(state, git, excluded, records, named, counted, *, with_patch):  # type: (CodeState, Git, List[str], List[str], List[str], List[str], bool) -> None
    folders = {f for e in excluded for f in parents(e)}
    asked = [
        git.start(
            "status",
            "--porcelain=v2",
            "--branch",
            "-z",
            "--no-renames",
            "--untracked-files=normal",
            "--",
            ".",
            *records,
        ),
        start_trees(git, "HEAD", folders),
    ]
    git.gather(*asked)
    status = Status(bytes(asked[0].out), excluded)
    state.files = hashed(git.top, counted)
    untracked = _expand(git, status.untracked)
    new = [p for p in named if p in untracked]
    changed = _working_entries(git, [*status.changed, *new], status.changed)
    trees = read_trees(git, status.commit, folders, asked[1])
    more = {f for p in changed for f in parents(p)} - folders
    trees.update(read_trees(git, status.commit, more) if more else {})
    state.code = CodeTree(trees, changed, excluded).digest()
    if with_patch:
        fresh = [
            p for p in counted if any(p == n or (n.endswith("/") and p.startswith(n)) for n in status.workspace_new)
        ]
        changed_too = [p for p in counted if p in status.workspace]
        try:
            state.patch = make_patch(git, status, [*status.changed, *changed_too], [*untracked, *fresh])
        except Trouble as trouble:
            say("%s: the patch is not saved" % trouble)
    listed = [redact(p) for p in untracked[:UNTRACKED]]
    if len(untracked) > UNTRACKED:
        listed.append("... and %d more" % (len(untracked) - UNTRACKED))
    state.git = {
        "commit": status.commit,
        "branch": redact(status.branch) if status.branch else None,
        "remote": remote(git.top),
        "dirty": bool(status.changed or new),
        "patch": None,
        "untracked": listed,
        "code": state.code,
    }


def remote(top):  # type: (str) -> Optional[str]
    """The URL of `origin`, or of the first remote, without secrets; read from git's file, which costs less than asking."""
    place = os.path.join(top, ".git")
    try:
        if os.path.isfile(place):
            with open(place, encoding="utf-8") as file:
                place = os.path.join(top, file.read().partition("gitdir:")[2].strip())
        if os.path.isfile(os.path.join(place, "commondir")):
            with open(os.path.join(place, "commondir"), encoding="utf-8") as file:
                place = os.path.join(place, file.read().strip())
        with open(os.path.join(place, "config"), encoding="utf-8", errors="replace") as file:
            lines = [line.strip() for line in file]
    except OSError:
        return None
    urls: Dict[str, str] = {}
    section = ""
    for line in lines:
        key, equals, value = line.partition("=")
        if line.startswith("["):
            section = line
        elif equals and key.strip() == "url" and section.startswith('[remote "'):
            urls.setdefault(section[9:].rstrip('"]'), value.strip().strip('"'))
    url = urls.get("origin") or next(iter(urls.values()), None)
    return redact(url) if url else None


def _expand(git, untracked):  # type: (Git, Sequence[str]) -> List[str]
    """Untracked files, those in new folders too; a folder of very many files stays one entry (it is data)."""
    small = [p for p in untracked if p.endswith("/") and _is_small(os.path.join(git.top, p))]
    files = [p for p in untracked if p not in small]
    if small:
        found = git.ask("--literal-pathspecs", "ls-files", "--others", "--exclude-standard", "-z", "--", *small)
        files += [os.fsdecode(p) for p in found.split(b"\0") if p]
    return sorted(files)


def _is_small(folder):  # type: (str) -> bool
    left = 1000
    for _, folders, files in os.walk(folder):
        left -= len(folders) + len(files)
        if left < 0:
            return False
    return True


def _working_entries(git, paths, changed):
    # type: (Git, Sequence[str], Mapping[str, str]) -> Dict[str, Optional[Tuple[str, str]]]
    """What `git add` would make of paths of the working tree: (mode, id), or None where there is nothing any more."""
    entries: Dict[str, Optional[Tuple[str, str]]] = {}
    files = []
    for path in paths:
        full = os.path.join(git.top, path)
        try:
            mode = os.lstat(full).st_mode
        except OSError:
            entries[path] = None
            continue
        if changed.get(path, "N...").startswith("S"):
            inner = Git(full)
            head = inner.ask("rev-parse", "HEAD").decode().strip()
            inside = inner.ask("diff", "--no-ext-diff", "--binary", "HEAD") if changed[path][2:3] == "M" else b""
            entries[path] = ("160000", head if not inside else sha256(head.encode() + inside).hexdigest()[: len(head)])
        elif stat.S_ISLNK(mode):
            entries[path] = (
                "120000",
                git.ask("hash-object", "--stdin", stdin=os.fsencode(os.readlink(full))).decode().strip(),
            )
        elif stat.S_ISREG(mode) and "\n" not in path:
            entries[path] = ("100755" if mode & 0o100 else "100644", "")
            files.append(path)
    if files:
        ids = (
            git.ask("hash-object", "--stdin-paths", stdin=os.fsencode("".join(p + "\n" for p in files)))
            .decode()
            .split()
        )
        entries.update((path, ((entries[path] or ("100644",))[0], one)) for path, one in zip(files, ids))
    return entries


def make_patch(git, status, changed, new):  # type: (Git, Status, Sequence[str], Sequence[str]) -> Optional[bytes]
    """The diff of `changed` against the commit, and of the text files among `new`, without secrets; None where there is none."""
    fits = [p for p in changed if not is_dotenv(p) and _size(os.path.join(git.top, p)) <= PATCH_FILE_BYTES]
    left = [p for p in changed if p not in fits and not is_dotenv(p)]
    if left:
        say("left out of the patch, over 1 MiB: %s" % ", ".join(left[:5]))
    if status.commit is None:
        new, fits = [*fits, *new], []
    parts = []
    for i in range(0, len(fits), 500):
        options = [
            "-p",
            "--binary",
            "--no-renames",
            "--no-ext-diff",
            "--no-textconv",
            "--no-color",
            "--src-prefix=a/",
            "--dst-prefix=b/",
        ]
        parts.append(git.ask("--literal-pathspecs", "diff-index", *options, "HEAD", "--", *fits[i : i + 500]))
    parts += [new_file_patch(git.top, p) for p in sorted(set(new))[:UNTRACKED] if not is_dotenv(p)]
    patch = b"".join(parts)
    if len(patch) > PATCH_BYTES:
        say("the patch is over 8 MiB and is not saved")
        return None
    return redact_patch(patch) if patch else None


def is_dotenv(path):  # type: (str) -> bool
    """Whether a file is one of those that hold secrets by custom: `.env`, `.env.local`, `prod.env`."""
    name = os.path.basename(path)
    return name == ".env" or name.startswith(".env.") or name.endswith(".env")


def _size(path):  # type: (str) -> int
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0


def new_file_patch(top, path):  # type: (str, str) -> bytes
    """A git patch that makes an untracked text file; empty for one that is binary, big or gone."""
    full = os.path.join(top, path)
    try:
        info = os.lstat(full)
        if not stat.S_ISREG(info.st_mode) or info.st_size > PATCH_FILE_BYTES:
            return b""
        with open(full, "rb") as file:
            content = file.read()
        content.decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return b""
    if b"\0" in content:
        return b""
    mode = b"100755" if info.st_mode & 0o100 else b"100644"
    name = os.fsencode(path)
    old, quoted = b'"a/%s"' if _is_odd(path) else b"a/%s", b'"b/%s"' if _is_odd(path) else b"b/%s"
    if _is_odd(path):
        name = b"".join(b"\\%03o" % c if c < 32 or c in b'"\\' else bytes([c]) for c in name)
    head = b"diff --git " + old % name + b" " + quoted % name + b"\nnew file mode " + mode + b"\n"
    if not content:
        return head + b"index 0000000..e69de29\n"
    lines = content.split(b"\n")
    last = b"" if lines[-1] == b"" else b"\\ No newline at end of file\n"
    lines = lines[:-1] if lines[-1] == b"" else lines
    size = b"@@ -0,0 +1,%d @@\n" % len(lines) if len(lines) != 1 else b"@@ -0,0 +1 @@\n"
    return (
        head
        + b"--- /dev/null\n+++ "
        + quoted % name
        + b"\n"
        + size
        + b"".join(b"+" + line + b"\n" for line in lines)
        + last
    )


def _is_odd(path):  # type: (str) -> bool
    return any(c < " " or c in '"\\' for c in path)


def redact_patch(patch):  # type: (bytes) -> bytes
    """A patch without secrets; each file's part is read as what the file is."""
    text = os.fsdecode(patch)
    parts = pattern(r"(?m)^(?=diff --git )").split(text)
    return os.fsencode("".join(redact(part, _kind(part.partition("\n")[0].rstrip('"'))) for part in parts))


def _kind(path):  # type: (str) -> str
    return "code" if path.endswith(CODE) else "text" if path.endswith(SHELL) else "config"


def write_atomic(path, data, *, sync=True):  # type: (str, bytes, bool) -> None
    """Write a file whole or not at all: temporary file beside it, fsync (unless a cache), rename."""
    temporary = os.path.join(os.path.dirname(path), ".%d.%s.tmp" % (os.getpid(), os.urandom(4).hex()))
    try:
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(fd, view) :]
            if sync:
                os.fsync(fd)
        finally:
            os.close(fd)
        os.replace(temporary, path)
    except OSError:
        try:
            os.unlink(temporary)
        except OSError:
            pass
        raise


def append(path, data):  # type: (str, bytes) -> None
    """Append to a file in one write. Raises OSError."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(fd, data)
    finally:
        os.close(fd)


def timestamp(seconds):  # type: (float) -> str
    """RFC 3339, UTC, with milliseconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + ".%03dZ" % (seconds % 1 * 1000)


def shell_quoted(argv):  # type: (Sequence[str]) -> str
    """One line of shell that runs `argv`."""
    return " ".join(
        a if a and not a.strip(LETTERS + DIGITS + "_@%+=:,./-") else "'" + a.replace("'", "'\"'\"'") + "'" for a in argv
    )


def rank():  # type: () -> int
    """This process's rank among those of one run that each start a recorder; 0 where there is one."""
    text = os.environ.get("RANK") or os.environ.get("SLURM_PROCID") or "0"
    return int(text) if text.isdigit() else 0


class Request:
    """What is to be recorded, as the options say."""

    def __init__(self):  # type: () -> None
        self.argv: List[str] = []
        self.experiment: Optional[str] = os.environ.get("RUN_EXPERIMENT") or None
        self.seed: Optional[int] = None
        self.params: Dict[str, Scalar] = {}
        self.configs: List[str] = []
        self.task: Optional[str] = os.environ.get("RUN_TASK") or None
        self.sweep: Optional[str] = os.environ.get("RUN_SWEEP") or None
        self.timeout: Optional[float] = None
        self.name_only = False
        self.quiet = False
        self.patch = True
        self.tty = False


class Attempt:
    """One try of a run and its files; every path of it is relative to the work directory."""

    def __init__(self, workspace, request):  # type: (Workspace, Request) -> None
        """Settle names and code state. Raises Trouble where a config file cannot be read."""
        self.workspace = workspace
        self.request = request
        self.state = code_state(workspace, request.argv, with_patch=request.patch and not request.name_only)
        configs = hashed("/", [os.path.realpath(c) for c in request.configs])
        self.configs = configs + [
            (os.path.join(self.state.top, p), h) for p, h in self.state.files if p.endswith(CONFIG)
        ]
        here = os.path.relpath(os.path.realpath(os.getcwd()), self.state.top)
        self.outside = here.split("/")[0] == ".."
        self.identity = Identity(
            request.argv,
            experiment=request.experiment or workspace.experiment_at(os.getcwd()),
            seed=request.seed,
            params=request.params,
            cwd="" if self.outside else here,
            top=self.state.top,
            code=self.state.code,
            files=[digest for _, digest in configs + self.state.files],
        )
        self.name = self.identity.name
        self.dirs = {r: workspace.role(r, self.identity.experiment) for r in ROLES}
        self.number = 0
        self.stem = self.name
        self.manifest: Dict[str, Any] = {}
        self.lock = allocate_lock()
        self.started = 0.0

    def path(self, relative):  # type: (str) -> str
        """The absolute path of one of the attempt's files."""
        return os.path.join(self.workspace.workdir, relative)

    @property
    def manifest_path(self):  # type: () -> str
        """Where the manifest lies."""
        return "%s/%s.json" % (self.dirs["metadata"], self.stem)

    @property
    def outputs(self):  # type: () -> str
        """The directory that the run may fill."""
        return "%s/%s" % (self.dirs["outputs"], self.stem)

    def log_path(self, stream, of_rank=0):  # type: (str, int) -> str
        """Where a stream (`out`, `err`) is kept."""
        return "%s/%s%s.%s" % (self.dirs["logs"], self.stem, ".rank%d" % of_rank if of_rank else "", stream)

    def claim(self):  # type: () -> None
        """Take the next free attempt for this process alone. Raises OSError when the directories cannot be written."""
        for role in ("metadata", "logs", "outputs"):
            os.makedirs(self.path(self.dirs[role]), exist_ok=True)
        while True:
            self.number += 1
            self.stem = self.name if self.number == 1 else "%s.%d" % (self.name, self.number)
            if any(
                os.path.lexists(self.path(p)) for p in (self.manifest_path, self.log_path("out"), self.log_path("err"))
            ):
                continue
            try:
                os.mkdir(self.path(self.outputs))
                return
            except FileExistsError:
                continue

    def claim_rank(self, of_rank):  # type: (int) -> None
        """Take the attempt of another rank's recorder: the log is claimed, the directory is rank 0's. Raises OSError."""
        os.makedirs(self.path(self.dirs["logs"]), exist_ok=True)
        while True:
            self.number += 1
            self.stem = self.name if self.number == 1 else "%s.%d" % (self.name, self.number)
            try:
                os.close(os.open(self.path(self.log_path("out", of_rank)), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
                break
            except FileExistsError:
                continue
        limit = time.monotonic() + 5
        while not os.path.isdir(self.path(self.outputs)) and time.monotonic() < limit:
            time.sleep(0.02)

    def begin(self):  # type: () -> None
        """Save patch and configs and write the manifest, status `running`. Trouble is said."""
        self.started = time.time()
        self.manifest = self._first()
        try:
            metadata = self.dirs["metadata"]
            if self.state.git is not None and self.state.patch:
                self.state.git["patch"] = self._keep("%s/patches" % metadata, self.state.patch, ".patch")
            for path, _ in self.configs:
                self._keep_config("%s/configs" % metadata, path)
            self._mark_alive()
            self.write()
            self._tell()
        except OSError as error:
            say("the manifest %s cannot be written (%s)" % (self.manifest_path, error))

    def _keep_config(self, folder, path):  # type: (str, str) -> None
        if _size(path) <= PATCH_FILE_BYTES:
            with open(path, "rb") as file:
                content = os.fsencode(redact(os.fsdecode(file.read()), _kind(path)))
            kept = self._keep(folder, content, "-" + safe_name(redact(os.path.basename(path)))[-60:])
            self.manifest["paths"]["configs"].append(kept)

    def _keep(self, folder, content, suffix):  # type: (str, bytes, str) -> str
        path = "%s/%s%s" % (folder, sha256(content).hexdigest()[:16], suffix)
        if not os.path.exists(self.path(path)):
            os.makedirs(self.path(folder), exist_ok=True)
            write_atomic(self.path(path), content)
        return path

    def write(self):  # type: () -> None
        """Write the manifest. Raises OSError.

        Only its last state is synced: power that fails before takes the run along.
        """
        text = dump(self.manifest, "\n") + "\n"
        write_atomic(self.path(self.manifest_path), text.encode(), sync=self.manifest["status"] != "running")

    def _tell(self):  # type: () -> None
        """Say where the manifest is, in the file that whoever started this run asks for it: others may start runs of its name."""
        file = os.environ.get(TELL)
        try:
            if file:
                append(file, os.fsencode(self.path(self.manifest_path)) + b"\n")
        except OSError as error:
            say("%s cannot be written (%s): who asked does not learn where the manifest is" % (file, error.strerror))

    def _mark_alive(self):  # type: () -> None
        live = self.path("%s/.live" % self.dirs["metadata"])
        os.makedirs(live, exist_ok=True)
        write_atomic(os.path.join(live, self.stem + ".json"), dump(process_mark(os.getpid())).encode(), sync=False)

    def end(self, outcome, duration):  # type: (Outcome, float) -> None
        """Write the manifest's last state. Trouble is said, never raised: the command's outcome stands."""
        with self.lock:
            self.manifest["status"] = outcome.status
            self.manifest["exit"] = {"code": outcome.code, "signal": outcome.signal_name}
            self.manifest["time"].update(ended_at=timestamp(self.started + duration), duration_s=round(duration, 6))
            self.manifest["resources"].update(outcome.usage)
            try:
                self.manifest["metrics"] = final_metrics(self.path(self.outputs))
                self.write()
            except (OSError, ValueError) as error:
                say("the manifest %s cannot be completed (%s): it still says `running`" % (self.manifest_path, error))
        try:
            live = self.path("%s/.live" % self.dirs["metadata"])
            os.unlink(os.path.join(live, self.stem + ".json"))
            os.rmdir(live)
        except OSError:
            pass

    def keep_packages(self, text):  # type: (str) -> str
        """Save a package list; its path. Raises OSError."""
        return self._keep("%s/environments" % self.dirs["metadata"], text.encode(), ".txt")

    def add_facts(self, part, values):  # type: (str, Mapping[str, Any]) -> None
        """Put slow facts into a part of the manifest, and write it where the run is not over at once. Raises OSError."""
        with self.lock:
            self.manifest[part].update(values)
            if self.manifest["status"] == "running" and time.time() > self.started + 1:
                self.write()

    def environment(self):  # type: () -> Dict[str, str]
        """What the command finds in its environment."""
        values = {
            "RUN_NAME": self.name,
            "RUN_OUTPUT_DIR": self.path(self.outputs),
            "RUN_MANIFEST": self.path(self.manifest_path),
        }
        if self.identity.seed is not None:
            values["RUN_SEED"] = str(self.identity.seed)
        return values

    def _first(self):  # type: () -> Dict[str, Any]
        identity, env = self.identity, os.environ
        uuid = bytearray(os.urandom(16))
        uuid[6], uuid[8] = uuid[6] & 0x0F | 0x40, uuid[8] & 0x3F | 0x80
        dashed = "-".join(uuid.hex()[i:j] for i, j in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32)))
        shell = shell_quoted(identity.argv)
        return {
            "schema_version": 1,
            "run": {"name": self.name, "experiment": identity.experiment, "attempt": self.number, "uuid": dashed},
            "status": "running",
            "command": {
                "argv": identity.argv,
                "shell": "cd %s && %s" % (shell_quoted([os.getcwd()]), shell) if self.outside else shell,
                "cwd": identity.cwd or ".",
            },
            "seed": identity.seed,
            "params": identity.params,
            "git": self.state.git,
            "time": {"started_at": timestamp(self.started), "ended_at": None, "duration_s": None},
            "exit": {"code": None, "signal": None},
            "paths": {
                "stdout": self.log_path("out"),
                "stderr": self.log_path("err"),
                "outputs": self.outputs,
                "configs": [],
            },
            "environment": {
                "python": None,
                "executable": None,
                "manager": self.workspace.manager,
                "virtual_env": env.get("VIRTUAL_ENV"),
                "conda_env": env.get("CONDA_DEFAULT_ENV"),
                "packages": None,
                "variables": {
                    k: HIDDEN if secrecy(k) else redact(env[k])
                    for k in sorted(env)
                    if k in VARIABLES or k.startswith("SLURM_")
                },
            },
            "host": host(),
            "scheduler": {
                "kind": "slurm" if env.get("SLURM_JOB_ID") else None,
                "job_id": env.get("SLURM_JOB_ID"),
                "array_task_id": env.get("SLURM_ARRAY_TASK_ID"),
                "partition": env.get("SLURM_JOB_PARTITION"),
                "nodelist": env.get("SLURM_JOB_NODELIST"),
            },
            "resources": {"max_rss_bytes": None, "user_s": None, "system_s": None},
            "tracking": tracking(self.request),
            "metrics": {},
            "recorder": {"version": VERSION},
        }


VARIABLES = frozenset(
    "CUDA_VISIBLE_DEVICES OMP_NUM_THREADS PYTHONHASHSEED WANDB_MODE WANDB_RUN_ID HYDRA_FULL_ERROR RANK WORLD_SIZE LOCAL_RANK"
    " MASTER_ADDR MASTER_PORT".split()
)


def tracking(request):  # type: (Request) -> Dict[str, Optional[str]]
    """Which plan task, sweep and server run this is."""
    env = os.environ
    server = {k: env.get("RUN_SERVER_" + k.upper()) or None for k in ("url", "sweep_id", "run_id")}
    backend = "server" if any(server.values()) else "slurm" if env.get("SLURM_JOB_ID") else "local"
    return {
        "backend": backend,
        "task": redact(request.task) if request.task else None,
        "sweep": redact(request.sweep) if request.sweep else None,
        "server_url": redact(server["url"]) if server["url"] else None,
        "sweep_id": server["sweep_id"],
        "run_id": server["run_id"],
    }


def host():  # type: () -> Dict[str, Any]
    """The machine, as far as it can be told at once; GPUs come later."""
    name = os.uname()
    try:
        memory: Optional[int] = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):
        memory = None
    return {
        "hostname": name.nodename,
        "os": "%s %s" % (name.sysname, name.release),
        "arch": name.machine,
        "cpu_count": os.cpu_count(),
        "memory_bytes": memory,
        "gpus": [],
    }


def process_mark(pid):  # type: (int) -> Dict[str, Any]
    """What tells whether a process is still there: its id and start, on which boot of which host, in which id namespace."""
    mark: Dict[str, Any] = {"pid": pid, "start": None, "boot": None, "namespace": None, "host": os.uname().nodename}
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="utf-8") as file:
            mark["boot"] = file.read().strip()
        mark["namespace"] = os.readlink("/proc/self/ns/pid")
        with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as file:
            state = file.read().rpartition(")")[2].split()
        mark["start"] = None if state[0] in "ZX" else int(state[19])
    except (OSError, ValueError, IndexError):
        pass
    return mark


def final_metrics(outputs):  # type: (str) -> Dict[str, Scalar]
    """The run's final values: `metrics.json`, else the last whole row of `metrics.jsonl`; nested names joined by `.`."""
    found: Any = None
    values: Dict[str, Scalar] = {}
    try:
        try:
            found = load(os.path.join(outputs, "metrics.json"))
        except FileNotFoundError:
            found = last_row(os.path.join(outputs, "metrics.jsonl"))
        values = redact_params(flatten(found)) if isinstance(found, dict) else {}
    except (OSError, ValueError, RecursionError) as error:
        say("the metrics of the run cannot be read (%s)" % error)
    return {k: v[:TEXT_LENGTH] if isinstance(v, str) else v for k, v in values.items()}


def last_row(path):  # type: (str) -> Any
    """The last whole row of a file of JSON rows; None where there is none."""
    try:
        with open(path, "rb") as file:
            size, step = file.seek(0, os.SEEK_END), 1 << 16
            while True:
                file.seek(max(0, size - step))
                lines = file.read(step).split(b"\n")
                for line in reversed(lines if step >= size else lines[1:]):
                    try:
                        row = parse(line.decode())
                    except (ValueError, RecursionError):
                        continue
                    if isinstance(row, dict):
                        return row
                if step >= size:
                    return None
                step *= 8
    except OSError:
        return None


ASK_PYTHON = """
import json, os, sys
sys.path[:1] = [] if sys.path[:1] == [""] else sys.path[:1]
names = set()
try:
    from importlib.metadata import distributions
    for d in distributions():
        if d.metadata["Name"]:
            names.add("%s==%s" % (d.metadata["Name"], d.version))
except ImportError:
    names = None
stamps = {p: os.stat(p).st_mtime_ns for p in sys.path if os.path.isdir(p)}
print(json.dumps({"python": "%d.%d.%d" % sys.version_info[:3], "executable": sys.executable,
                  "packages": None if names is None else sorted(names, key=str.lower), "stamps": stamps}))
"""


class SlowFacts:
    """The command's Python, its packages and the GPUs, found out in a thread while the command runs.

    Answers are kept in the user's cache directory, so that a command too short to be asked is described as well.
    """

    def __init__(self, attempt, pid, *, python=None):  # type: (Attempt, int, Optional[str]) -> None
        self.attempt = attempt
        self.pid = pid
        self.python = python or find_python([pid])
        self.over = allocate_lock()
        self.done = allocate_lock()
        self.over.acquire()
        self.done.acquire()
        start_new_thread(self._run, ())

    def finish(self):  # type: () -> None
        """The command has ended: what is being asked has a moment more."""
        self.over.release()
        self.done.acquire(timeout=FACTS_S)

    def _run(self):  # type: () -> None
        steps = [self._add_gpus, self._add_python]
        try:
            for step in reversed(steps) if self.python else steps:
                step(Cache())
        except Exception as error:  # the run matters more than any fact about it
            say("the environment could not be found out (%s: %s)" % (type(error).__name__, error))
        finally:
            self.done.release()

    def _add_gpus(self, cache):  # type: (Cache) -> None
        gpus = cache.gpus()
        if gpus is None:
            gpus = ask_gpus()
            cache.keep_gpus(gpus)
        if gpus:
            self.attempt.add_facts("host", {"gpus": gpus})

    def _add_python(self, cache):  # type: (Cache) -> None
        python = self._python()
        if python is None:
            return
        found = cache.python(python)
        if found is None:
            found = ask_python(python)
            cache.keep_python(python, found)
        values = {"python": found["python"], "executable": found["executable"]}
        if found["packages"] is not None:
            values["packages"] = self.attempt.keep_packages("".join(p + "\n" for p in found["packages"]))
        self.attempt.add_facts("environment", values)

    def _python(self):  # type: () -> Optional[str]
        if self.python:
            return self.python
        for pause in (0.1, 0.3, 1, 3, 10, 30, 120):
            if self.over.acquire(timeout=pause):
                self.over.release()
                return None
            python = find_python([self.pid, *descendants(self.pid)])
            if python:
                return python
        return None


def find_python(pids):  # type: (Sequence[int]) -> Optional[str]
    """The Python that the first of some processes runs that runs one, by the path that it was started by."""
    for one in pids:
        try:
            binary = os.readlink("/proc/%d/exe" % one)
            with open("/proc/%d/cmdline" % one, "rb") as file:
                name = os.fsdecode(file.read().split(b"\0")[0])
            if not os.path.basename(binary).startswith(("python", "pypy")):
                continue
            here = os.readlink("/proc/%d/cwd" % one)
        except OSError:
            continue
        folders = [here] if "/" in name else os.environ.get("PATH", "").split(":")
        for path in (os.path.join(folder, name) for folder in folders):
            if os.path.realpath(path) == binary:
                return os.path.normpath(path)
        return binary
    return None


def descendants(pid):  # type: (int) -> List[int]
    """The processes below `pid`, as far as /proc tells, parents first."""
    children: Dict[int, List[int]] = {}
    try:
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    with open("/proc/%s/stat" % name, encoding="utf-8", errors="replace") as file:
                        children.setdefault(int(file.read().rpartition(")")[2].split()[1]), []).append(int(name))
                except (OSError, ValueError, IndexError):
                    continue
    except OSError:
        return []
    found = list(children.get(pid, []))
    for one in found:
        found += children.get(one, [])
    return found


def ask_python(python):  # type: (str) -> Dict[str, Any]
    """What a Python says of itself and its packages. Raises Trouble."""
    asked = Asked([python, "-c", ASK_PYTHON])
    gather([asked], time.monotonic() + 60)
    try:
        found: Dict[str, Any] = parse(asked.out.decode("utf-8"))
    except ValueError as error:
        raise Trouble(
            "%s did not answer: %s" % (python, asked.err.decode("utf-8", "replace").strip()[-200:])
        ) from error
    return found


def ask_gpus():  # type: () -> List[Dict[str, Any]]
    """The NVIDIA GPUs of this machine; none where there is no `nvidia-smi`."""
    fields = "index,name,uuid,memory.total,driver_version"
    try:
        asked = Asked(["nvidia-smi", "--query-gpu=" + fields, "--format=csv,noheader,nounits"])
        gather([asked], time.monotonic() + 20)
    except OSError:
        return []
    rows = [[f.strip() for f in line.split(",")] for line in asked.out.decode("utf-8", "replace").splitlines()]
    return [
        {
            "index": int(r[0]),
            "name": r[1],
            "uuid": r[2] or None,
            "memory_mib": int(r[3]) if r[3].isdigit() else None,
            "driver": r[4] or None,
        }
        for r in rows
        if asked.status == 0 and len(r) == 5 and r[0].isdigit()
    ]


class Cache:
    """Answers about Pythons and GPUs, valid while what they were read from is unchanged. Without a home there is none."""

    def __init__(self):  # type: () -> None
        base = os.environ.get("XDG_CACHE_HOME") or (os.environ["HOME"] + "/.cache" if os.environ.get("HOME") else "")
        self.folder = base + "/experiment-scaffold" if base.startswith("/") else ""

    def _path(self, *key):  # type: (*str) -> str
        return "%s/%s.json" % (self.folder, sha256("\0".join(key).encode("utf-8", "surrogateescape")).hexdigest()[:24])

    def _python_key(self, python):  # type: (str) -> Tuple[str, ...]
        real = os.path.realpath(python)
        return (
            "python",
            python,
            real,
            str(os.stat(real).st_mtime_ns),
            os.environ.get("PYTHONPATH", ""),
            os.environ.get("PYTHONHOME", ""),
        )

    def python(self, python):  # type: (str) -> Optional[Dict[str, Any]]
        """What a Python said, if no package folder of it has changed since."""
        found = self._read(*self._python_key(python))
        if found is None or any(os.stat(p).st_mtime_ns != t for p, t in found["stamps"].items() if os.path.isdir(p)):
            return None
        return found if all(os.path.isdir(p) for p in found["stamps"]) else None

    def keep_python(self, python, found):  # type: (str, Mapping[str, Any]) -> None
        """Keep what a Python said."""
        self._write(found, *self._python_key(python))

    def gpus(self):  # type: () -> Optional[List[Dict[str, Any]]]
        """This machine's GPUs, as asked since it started."""
        found = self._read("gpus", *self._boot())
        return found["gpus"] if found else None

    def keep_gpus(self, gpus):  # type: (List[Dict[str, Any]]) -> None
        """Keep what the machine said."""
        if gpus:
            self._write({"gpus": gpus}, "gpus", *self._boot())

    def _boot(self):  # type: () -> Tuple[str, str]
        return os.uname().nodename, str(process_mark(os.getpid())["boot"])

    def _read(self, *key):  # type: (*str) -> Optional[Dict[str, Any]]
        try:
            found = load(self._path(*key))
            return found if isinstance(found, dict) else None
        except (OSError, ValueError):
            return None

    def _write(self, value, *key):  # type: (Mapping[str, Any], *str) -> None
        if self.folder:
            try:
                os.makedirs(self.folder, mode=0o700, exist_ok=True)
                write_atomic(self._path(*key), dump(value).encode(), sync=False)
            except OSError:
                pass


class Terminal:
    """Shows output in its own thread: it reads behind in the logs, so a slow terminal delays nobody and needs no memory."""

    def __init__(self):  # type: () -> None
        self.lock = allocate_lock()
        self.news = allocate_lock()
        self.done = allocate_lock()
        self.news.acquire()
        self.done.acquire()
        self.queue: List[List[Any]] = []
        self.pending = 0
        self.last = False
        self.gone: set[int] = set()
        start_new_thread(self._run, ())

    def follow(self, to, log, start, length):  # type: (int, int, int, int) -> None
        """Show `length` bytes of the log `log` from `start` on."""
        with self.lock:
            last = self.queue[-1] if self.queue else None
            if last is not None and last[1] == log and last[2] + last[3] == start:
                last[3] += length
            else:
                self.queue.append([to, log, start, length])
                if len(self.queue) > 4096:
                    self._merge()
        self._wake()

    def show(self, to, data):  # type: (int, bytes) -> None
        """Show bytes that no log holds; waits while much of that is pending."""
        while self.pending > 8 << 20 and to not in self.gone:
            time.sleep(0.005)
        with self.lock:
            self.queue.append([to, data, 0, len(data)])
            self.pending += len(data)
        self._wake()

    def finish(self):  # type: () -> None
        """Wait until everything is shown."""
        self.last = True
        self._wake()
        self.done.acquire()

    def _wake(self):  # type: () -> None
        if self.news.locked():
            self.news.release()

    def _merge(self):  # type: () -> None
        merged: Dict[Any, List[Any]] = {}
        for item in self.queue:
            one = merged.setdefault(item[1], item)
            if one is not item:
                one[3] = item[2] + item[3] - one[2]
        self.queue = list(merged.values())

    def _run(self):  # type: () -> None
        last = False
        try:
            while not last:
                self.news.acquire()
                last = self.last
                while self._show_next():
                    pass
        finally:
            self.done.release()

    def _show_next(self):  # type: () -> bool
        with self.lock:
            if not self.queue:
                return False
            item = self.queue.pop(0)
        self._show(*item)
        return True

    def _show(self, to, source, start, length):  # type: (int, Any, int, int) -> None
        if isinstance(source, bytes):
            self._write(to, source)
            with self.lock:
                self.pending -= length
        else:
            while length > 0 and to not in self.gone:
                try:
                    data = os.pread(source, min(length, 1 << 18), start)
                except OSError:
                    data = b""
                if not data:
                    break
                self._write(to, data)
                start, length = start + len(data), length - len(data)

    def _write(self, to, data):  # type: (int, bytes) -> None
        view = memoryview(data)
        while view and to not in self.gone:
            try:
                view = view[os.write(to, view) :]
            except BlockingIOError:
                poll = select.poll()
                poll.register(to, select.POLLOUT)
                poll.poll(1000)
            except OSError as error:
                self.gone.add(to)
                if error.errno not in (errno.EPIPE, errno.EIO):
                    say("output cannot be shown any more (%s); the logs have it" % error.strerror)


class Stream:
    """One of the command's two streams: read from `source`, kept in the file `log` (None: nowhere), shown on `to`."""

    def __init__(self, source, log, label, terminal, to):
        # type: (int, Optional[int], str, Optional[Terminal], int) -> None
        self.source = source
        self.log = log
        self.label = label
        self.terminal = terminal
        self.to = to
        self.size = 0

    def take(self, data):  # type: (memoryview) -> None
        """Keep and show bytes that the command wrote."""
        kept = 0
        while self.log is not None and kept < len(data):
            try:
                kept += os.write(self.log, data[kept:])
            except OSError as error:
                say(
                    "%s cannot be written (%s): output after its byte %d is not kept"
                    % (self.label, error.strerror, self.size + kept)
                )
                self.show_log(self.log, kept)
                self.log, data, kept = None, data[kept:], 0
        if self.log is not None:
            self.show_log(self.log, kept)
        elif self.terminal is not None and data:
            self.terminal.show(self.to, bytes(data))

    def show_log(self, log, length):  # type: (int, int) -> None
        """Let the terminal follow the log."""
        if self.terminal is not None and length:
            self.terminal.follow(self.to, log, self.size, length)
        self.size += length


class Pump:
    """Moves the command's output in a thread, as fast as it comes."""

    def __init__(self, streams):  # type: (Sequence[Stream]) -> None
        self.streams = {s.source: s for s in streams}
        self.ended, self.tell = os.pipe()
        self.done = allocate_lock()
        self.done.acquire()
        self.buffer = memoryview(bytearray(1 << 20))
        start_new_thread(self._run, ())

    def finish(self):  # type: () -> List[Stream]
        """The command has ended: take what is there. Returns the streams that something it left behind still holds open."""
        os.write(self.tell, b".")
        self.done.acquire()
        return list(self.streams.values())

    def _run(self):  # type: () -> None
        try:
            limit = None
            while self.streams and (limit is None or time.monotonic() < limit):
                poll = select.poll()
                for fd in [*self.streams, *([self.ended] if limit is None else [])]:
                    poll.register(fd, select.POLLIN)
                ready = poll.poll(None if limit is None else 100)
                if not ready:
                    break
                for fd, _ in ready:
                    if fd == self.ended:
                        limit = time.monotonic() + 1
                    else:
                        self._move(fd)
        finally:
            self.done.release()

    def _move(self, fd):  # type: (int) -> None
        try:
            size = os.readv(fd, [self.buffer])
        except OSError:
            size = 0
        if size:
            self.streams[fd].take(self.buffer[:size])
        else:
            del self.streams[fd]


class Guard:
    """A process that outlives the recorder if that is killed: then it ends the command, so that nothing lingers unrecorded.

    When the command left something behind that still writes, the guard goes on keeping what that says.
    """

    def __init__(self, streams, *, group):  # type: (Sequence[Stream], bool) -> None
        ours, self.tell = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self._watch(ours, streams, group)
            finally:
                os._exit(0)
        os.close(ours)

    def watch(self, pid):  # type: (int) -> None
        """Say which process to end."""
        os.write(self.tell, b"%d\n" % pid)

    def finish(self, *, drain):  # type: (bool) -> None
        """The command has ended."""
        os.write(self.tell, b"drain\n" if drain else b"end\n")
        os.close(self.tell)

    def _watch(self, told, streams, group):  # type: (int, Sequence[Stream], bool) -> None
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        kept = {told, *(s.source for s in streams), *(s.log for s in streams if s.log is not None)}
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        for name in os.listdir("/dev/fd"):
            if int(name) > 2 and int(name) not in kept:
                try:
                    os.close(int(name))
                except OSError:
                    pass
        words = b""
        while True:
            data = os.read(told, 64)
            if not data:
                break
            words += data
        pid, _, last = words.decode().partition("\n")
        if last == "drain\n":
            self._drain(streams)
        elif pid and not last:
            end_orphans(int(pid), group=group)

    def _drain(self, streams):  # type: (Sequence[Stream]) -> None
        poll = select.poll()
        logs = {s.source: s.log for s in streams}
        for fd in logs:
            poll.register(fd, select.POLLIN)
        while logs:
            for fd, _ in poll.poll():
                try:
                    data = os.read(fd, 1 << 16)
                except OSError:
                    data = b""
                log = logs.get(fd)
                if not data:
                    poll.unregister(fd)
                    del logs[fd]
                elif log is not None:
                    try:
                        os.write(log, data)
                    except OSError:
                        logs[fd] = None


def end_orphans(pid, *, group):  # type: (int, bool) -> None
    """End a command whose recorder is gone: asked first, then forced."""
    targets = [pid, *descendants(pid)]
    send(targets, signal.SIGTERM, group=pid if group else None)
    limit = time.monotonic() + ORPHAN_S
    while time.monotonic() < limit and send(targets, 0, group=pid if group else None):
        time.sleep(0.05)
    send(targets, signal.SIGKILL, group=pid if group else None)


def send(pids, number, *, group=None):  # type: (Iterable[int], int, Optional[int]) -> bool
    """Send a signal to a process group and to those of `pids` outside it; whether anybody was there."""
    there = False
    for pid in [-group, *pids] if group else pids:
        try:
            if group is None or pid < 0 or os.getpgid(pid) != group:
                os.kill(pid, number)
                there = True
        except OSError:
            continue
    return there


PASSED = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")
ENDING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")
SI_KERNEL = 0x80


class Outcome:
    """How a command ended: `code` or `signal_name`; `status` in the manifest's words; what it used."""

    def __init__(self, code, signal_name, *, stopped, usage):
        # type: (Optional[int], Optional[str], bool, Mapping[str, Any]) -> None
        self.code = code
        self.signal_name = signal_name
        self.usage = usage
        self.status = "terminated" if stopped or code is None else "finished" if code == 0 else "failed"

    @property
    def exit_code(self):  # type: () -> int
        """What the recorder exits with: the command's own code, 128+n for a signal."""
        if self.code is not None:
            return self.code
        return 128 + int(getattr(signal, self.signal_name or "SIGKILL"))


class Command:
    """The command as a child process, from its start to its end. Signals are blocked meanwhile and read one by one."""

    def __init__(self, argv, env, *, timeout):  # type: (Sequence[str], Mapping[str, str], Optional[float]) -> None
        self.argv = list(argv)
        self.env = env
        self.timeout = timeout
        self.pid = 0
        self.sent: Optional[str] = None
        self.early: Set[int] = set()
        self.family = []  # type: List[int]
        self.interrupts = 0
        self.hard = False
        self.ended: Optional[float] = None
        self.interactive = any(os.isatty(fd) for fd in (0, 1, 2))

    def start(self, actions, mask, *, session):  # type: (Sequence[Any], Iterable[int], bool) -> None
        """Start it. Raises OSError when there is no such command, or it cannot be executed."""
        options: Dict[str, Any] = {
            "file_actions": actions,
            "setsigmask": mask,
            "setsigdef": [signal.SIGPIPE, signal.SIGXFSZ],
        }
        self.group = session or not self.interactive
        # a terminal's Ctrl-C that came before there was a command has not reached it: it is passed on
        self.early = signal.sigpending()
        if session:
            options["setsid"] = True
        elif self.group:
            options["setpgroup"] = 0
        try:
            self.pid = os.posix_spawnp(self.argv[0], self.argv, self.env, **options)
        except OSError as error:
            if error.errno != errno.ENOEXEC:
                raise
            from shutil import which

            script = which(self.argv[0]) or self.argv[0]
            self.pid = os.posix_spawnp("/bin/sh", ["/bin/sh", script, *self.argv[1:]], self.env, **options)

    def wait(self, watched, resized):  # type: (Iterable[int], Any) -> Outcome
        """Pass signals on until it ends; how it ended."""
        signal.setitimer(signal.ITIMER_REAL, self.timeout or 0)
        while True:
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                break
            number, from_terminal = next_signal(watched)
            from_terminal = from_terminal and number not in self.early
            self.early.discard(number)
            if number == signal.SIGALRM:
                self._out_of_time()
            elif number == signal.SIGWINCH:
                resized()
            elif number != signal.SIGCHLD:
                self._pass_on(number, from_terminal=from_terminal)
        self.ended = time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, 0)
        if self.family or (self.sent and self.group):
            left_over = signal.SIGKILL if self.hard else signal.SIGTERM
            send(self.family, left_over, group=self.pid if self.group else None)
        scale = 1 if sys.platform == "darwin" else 1024
        used = {
            "max_rss_bytes": usage.ru_maxrss * scale,
            "user_s": round(usage.ru_utime, 6),
            "system_s": round(usage.ru_stime, 6),
        }
        if os.WIFSIGNALED(status):
            return Outcome(None, signal_name(os.WTERMSIG(status)), stopped=True, usage=used)
        return Outcome(os.WEXITSTATUS(status), self.sent, stopped=self.sent is not None, usage=used)

    def _pass_on(self, number, *, from_terminal):  # type: (int, bool) -> None
        name = signal_name(number)
        if name in ENDING:
            self.sent = self.sent or name
            self.family = [] if from_terminal else descendants(self.pid)
        if number == signal.SIGINT:
            self.interrupts += 1
            if self.interrupts > 1:
                self._kill()
                return
        if self.group or not from_terminal:
            send([self.pid], number)

    def _out_of_time(self):  # type: () -> None
        if self.sent == "SIGTERM":
            self._kill()
            return
        self.sent = "SIGTERM"
        self.family = descendants(self.pid)
        say("time limit of %g s reached: the command is asked to end" % (self.timeout or 0))
        send([self.pid], signal.SIGTERM)
        signal.setitimer(signal.ITIMER_REAL, GRACE_S)

    def _kill(self):  # type: () -> None
        self.hard = True
        send([self.pid, *descendants(self.pid)], signal.SIGKILL, group=self.pid if self.group else None)


def signal_name(number):  # type: (int) -> str
    """`SIGTERM` for 15."""
    return next(
        (n for n in sorted(dir(signal)) if n.startswith("SIG") and n[3] != "_" and getattr(signal, n) == number),
        "SIGRTMIN",
    )


def next_signal(watched):  # type: (Iterable[int]) -> Tuple[int, bool]
    """The next signal, and whether a terminal sent it (to the whole foreground group, the command included)."""
    if hasattr(signal, "sigwaitinfo"):
        info = signal.sigwaitinfo(watched)
        return info.si_signo, info.si_code == SI_KERNEL
    one = signal.sigwait(watched)
    return one, one in (signal.SIGINT, signal.SIGQUIT)


class Pty:
    """Two pseudo-terminals for `--tty`: one for stdin and stdout, one for stderr, so that the two stay apart."""

    def __init__(self):  # type: () -> None
        import termios

        self.termios = termios
        self.out, self.out_name = self._open()
        self.err, self.err_name = self._open()
        self.saved: Any = None
        self.resize()

    def _open(self):  # type: () -> Tuple[int, str]
        master, slave = os.openpty()
        name = os.ttyname(slave)
        modes = self.termios.tcgetattr(slave)
        modes[1] &= ~self.termios.OPOST
        self.termios.tcsetattr(slave, self.termios.TCSANOW, modes)
        self.slaves = [*getattr(self, "slaves", []), slave]
        return master, name

    def actions(self):  # type: () -> List[Tuple[Any, ...]]
        """What the child does to its file descriptors: the first terminal opened in its new session is its own."""
        opened = [(os.POSIX_SPAWN_OPEN, 0, self.out_name, os.O_RDWR, 0), (os.POSIX_SPAWN_DUP2, 0, 1)]
        return [*opened, (os.POSIX_SPAWN_OPEN, 2, self.err_name, os.O_RDWR | os.O_NOCTTY, 0)]

    def started(self):  # type: () -> None
        """The child has the terminals: let go of its ends, and feed it our input."""
        for fd in self.slaves:
            os.close(fd)
        if os.isatty(0):
            self.saved = self.termios.tcgetattr(0)
            raw = self.termios.tcgetattr(0)
            raw[0] &= ~(
                self.termios.ICRNL | self.termios.IXON | self.termios.BRKINT | self.termios.INPCK | self.termios.ISTRIP
            )
            raw[3] &= ~(self.termios.ECHO | self.termios.ICANON | self.termios.IEXTEN | self.termios.ISIG)
            self.termios.tcsetattr(0, self.termios.TCSADRAIN, raw)
        start_new_thread(self._feed, ())

    def _feed(self):  # type: () -> None
        while True:
            try:
                data = os.read(0, 1 << 12)
                os.write(self.out, data or b"\x04")
            except OSError:
                return
            if not data:
                return

    def resize(self):  # type: () -> None
        """Give the pseudo-terminals the size of ours."""
        import fcntl

        for ours in (0, 1, 2):
            if os.isatty(ours):
                size = fcntl.ioctl(ours, self.termios.TIOCGWINSZ, b"\0" * 8)
                for fd in (self.out, self.err):
                    fcntl.ioctl(fd, self.termios.TIOCSWINSZ, size)
                return

    def restore(self):  # type: () -> None
        """Leave our terminal as it was."""
        if self.saved is not None:
            self.termios.tcsetattr(0, self.termios.TCSADRAIN, self.saved)


def run_command(request, attempt, mask, watched):
    # type: (Request, Optional[Attempt], Iterable[int], Iterable[int]) -> int
    """Run the command, recorded as far as that can be done; the exit code."""
    of_rank = rank()
    writes_manifest = attempt is not None and of_rank == 0
    if attempt is not None:
        try:
            if of_rank:
                attempt.claim_rank(of_rank)
            else:
                attempt.claim()
                attempt.begin()
        except OSError as error:
            say("this run is not recorded: %s" % error)
            attempt, writes_manifest = None, False
    env = {k: v for k, v in os.environ.items() if k not in (*TOLD, TELL)}
    env.update(attempt.environment() if attempt else unrecorded(request))
    command = Command(filled(request.argv, env), env, timeout=request.timeout)
    began = time.monotonic()
    try:
        outcome, output = supervise(command, request, attempt, of_rank, mask, watched)
    except OSError as error:
        if command.pid:
            raise
        say("its output cannot be recorded (%s): the command runs in the recorder's place" % error.strerror)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.execvpe(command.argv[0], command.argv, env)
    if writes_manifest and attempt is not None:
        attempt.end(outcome, max(0.0, (command.ended or time.monotonic()) - began))
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    for terminal in output:
        terminal.finish()
    return outcome.exit_code


def filled(argv, env):  # type: (Sequence[str], Mapping[str, str]) -> List[str]
    """The command with `{RUN_OUTPUT_DIR}` and the other names of TOLD replaced by what the run finds in its environment.

    Only here: the manifest, the parameters and the name know the command as it was written, so that it can be run again.
    """
    tokens = list(argv)
    for name in TOLD:
        if name in env:
            tokens = [token.replace("{%s}" % name, env[name]) for token in tokens]
    return tokens


def unrecorded(request):  # type: (Request) -> Dict[str, str]
    """The environment of a run that cannot be recorded: it may still want to write its outputs somewhere."""
    from tempfile import mkdtemp

    try:
        folder = mkdtemp(prefix="run-")
    except OSError:
        return {}
    say("outputs of this unrecorded run go to %s" % folder)
    values = {"RUN_NAME": os.path.basename(folder), "RUN_OUTPUT_DIR": folder}
    return values if request.seed is None else {**values, "RUN_SEED": str(request.seed)}


def supervise(command, request, attempt, of_rank, mask, watched):  # type: (Command, Request, Optional[Attempt], int, Iterable[int], Iterable[int]) -> Tuple[Outcome, List[Terminal]]
    """Start the command with its output captured and wait for its end; how it ended, and who is still showing output."""
    pty = open_pty() if request.tty else None
    pipes = [] if pty else [wide_pipe(), wide_pipe()]
    sources = [pty.out, pty.err] if pty else [p[0] for p in pipes]
    actions = pty.actions() if pty else [(os.POSIX_SPAWN_DUP2, p[1], n) for n, p in enumerate(pipes, 1)]
    logs = [open_log(attempt, name, of_rank) for name in ("out", "err")]
    guard = start_guard(
        [Stream(s, log, "", None, n) for n, (s, log) in enumerate(zip(sources, logs), 1)], command, session=bool(pty)
    )
    terminals = [] if request.quiet else [Terminal()] if same_file(1, 2) else [Terminal(), Terminal()]
    labels = [attempt.log_path(name, of_rank) if attempt else "" for name in ("out", "err")]
    shown = [terminals[0], terminals[-1]] if terminals else [None, None]
    streams = [Stream(s, logs[i], labels[i], shown[i], i + 1) for i, s in enumerate(sources)]
    try:
        command.start(actions, mask, session=bool(pty))
    except OSError as error:
        hint = (
            "; a variable is set with `env`: -- env %s ..." % request.argv[0] if _is_assignment(request.argv[0]) else ""
        )
        say("%s: %s%s" % (request.argv[0], error.strerror, hint))
        outcome = Outcome(127 if error.errno == errno.ENOENT else 126, None, stopped=False, usage={})
        return outcome, terminals
    finally:
        for _, theirs in pipes:
            os.close(theirs)
    if guard is not None:
        guard.watch(command.pid)
    if pty:
        pty.started()
    pump = Pump(streams)
    facts = SlowFacts(attempt, command.pid) if attempt is not None and attempt.manifest else None
    outcome = command.wait(watched, pty.resize if pty else lambda: None)
    left = pump.finish()
    if guard is not None:
        guard.finish(drain=bool(left) and pty is None)
    if pty:
        pty.restore()
    if facts is not None:
        facts.finish()
    return outcome, terminals


def open_pty():  # type: () -> Optional[Pty]
    """Pseudo-terminals; None, and said, where there are none to be had."""
    try:
        return Pty()
    except OSError as error:
        say("no terminal for the command (%s)" % error.strerror)
        return None


def start_guard(streams, command, *, session):  # type: (Sequence[Stream], Command, bool) -> Optional[Guard]
    """The guard of a command; without one (no process to be had) the run goes on."""
    try:
        return Guard(streams, group=session or not command.interactive)
    except OSError as error:
        say("no guard process (%s): the command would outlive a killed recorder" % error.strerror)
        return None


def wide_pipe():  # type: () -> Tuple[int, int]
    """A pipe that holds as much as the system allows, so that the command seldom waits."""
    import fcntl

    ours, theirs = os.pipe()
    try:
        fcntl.fcntl(ours, getattr(fcntl, "F_SETPIPE_SZ", 1031), 1 << 20)
    except OSError:
        pass
    return ours, theirs


def open_log(attempt, stream, of_rank):  # type: (Optional[Attempt], str, int) -> Optional[int]
    """A new log file; None where it cannot be made, which is said."""
    if attempt is None:
        return None
    path = attempt.log_path(stream, of_rank)
    exclusive = 0 if of_rank and stream == "out" else os.O_EXCL
    try:
        return os.open(attempt.path(path), os.O_RDWR | os.O_CREAT | os.O_APPEND | exclusive, 0o644)
    except OSError as error:
        say("%s cannot be written (%s): this output is not kept" % (path, error.strerror))
        return None


def same_file(one, other):  # type: (int, int) -> bool
    """Whether two descriptors show the same file or terminal."""
    first, second = os.fstat(one), os.fstat(other)
    return (first.st_dev, first.st_ino) == (second.st_dev, second.st_ino)


class Tee:
    """A Python text stream that also keeps what is written to it."""

    def __init__(self, stream, log):  # type: (IO[str], Optional[int]) -> None
        self._stream = stream
        self._log = log

    def write(self, text):  # type: (str) -> int
        """Write to both."""
        self.keep(text)
        self._stream.write(text)
        return len(text)

    def keep(self, text):  # type: (str) -> None
        """Write to the log only; trouble with it is said once."""
        if self._log is not None:
            try:
                os.write(self._log, text.encode("utf-8", "backslashreplace"))
            except OSError as error:
                self._log = None
                say("a log cannot be written (%s): further output is not kept" % error.strerror)

    def close_log(self):  # type: () -> None
        """The run is over: who still holds this stream writes to the other alone."""
        log, self._log = self._log, None
        if log is not None:
            os.close(log)

    def __getattr__(self, name):  # type: (str) -> Any
        return getattr(self._stream, name)


class Run:
    """A run recorded inside Python, as `record` makes it."""

    def __init__(self, request):  # type: (Request) -> None
        self._request = request
        self._attempt: Optional[Attempt] = None
        self._facts: Optional[SlowFacts] = None
        self._summary: Dict[str, Scalar] = {}
        self.name = ""
        self.output_dir = ""

    def __enter__(self):  # type: () -> Run
        self._began = time.monotonic()
        self._before = {k: os.environ.get(k) for k in TOLD}
        self._streams = sys.stdout, sys.stderr
        try:
            attempt = Attempt(locate(__file__), self._request)
            attempt.claim_rank(rank()) if rank() else attempt.claim()
            logs = [open_log(attempt, name, rank()) for name in ("out", "err")]
            if rank() == 0:
                attempt.begin()
                self._facts = SlowFacts(attempt, os.getpid(), python=sys.executable)
            self._attempt = attempt
            self.name, self.output_dir = attempt.name, attempt.path(attempt.outputs)
            values = attempt.environment()
            sys.stdout, sys.stderr = Tee(sys.stdout, logs[0]), Tee(sys.stderr, logs[1])
        except Exception as error:  # no trouble of ours may stop the code
            say("this run is not recorded: %s" % (error if isinstance(error, (Trouble, OSError)) else repr(error)))
            values = unrecorded(self._request)
            self.output_dir = values.get("RUN_OUTPUT_DIR", "")
        os.environ.update(values)
        return self

    def log(self, **values):  # type: (**Any) -> None
        """Append a row to the run's `metrics.jsonl`."""
        row = dump(redact_params(flatten(values))) + "\n"
        self._put("metrics.jsonl", lambda path: append(path, row.encode()))

    def summary(self, **values):  # type: (**Any) -> None
        """Set final values: the run's `metrics.json`."""
        self._summary.update(redact_params(flatten(values)))
        self._put("metrics.json", lambda path: write_atomic(path, dump(self._summary).encode()))

    def _put(self, name, write):  # type: (str, Callable[[str], None]) -> None
        try:
            write(os.path.join(self.output_dir, name))
        except OSError as error:
            say("%s of the run cannot be written (%s)" % (name, error))

    def __exit__(self, kind, error, trace):
        # type: (Optional[Type[BaseException]], Optional[BaseException], Optional[TracebackType]) -> None
        if error is not None and not isinstance(error, SystemExit):
            from traceback import format_exception

            if isinstance(sys.stderr, Tee):
                sys.stderr.keep("".join(format_exception(kind, error, trace)))
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, Tee):
                stream.close_log()
        sys.stdout, sys.stderr = self._streams
        for key, value in self._before.items():
            os.environ.pop(key, None)
            if value is not None:
                os.environ[key] = value
        duration = time.monotonic() - self._began
        if self._attempt is not None and self._attempt.manifest:
            if self._facts is not None:
                self._facts.finish()
            self._attempt.end(python_outcome(error), duration)


def python_outcome(error):  # type: (Optional[BaseException]) -> Outcome
    """How a block of Python ended, in a command's terms."""
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    scale = 1 if sys.platform == "darwin" else 1024
    usage = {"max_rss_bytes": used.ru_maxrss * scale, "user_s": used.ru_utime, "system_s": used.ru_stime}
    if isinstance(error, KeyboardInterrupt):
        return Outcome(None, "SIGINT", stopped=True, usage=usage)
    if isinstance(error, SystemExit):
        code = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
        return Outcome(code, None, stopped=False, usage=usage)
    return Outcome(0 if error is None else 1, None, stopped=False, usage=usage)


def record(experiment, *, seed=None, params=None, task=None, patch=True):
    # type: (str, Optional[int], Any, Optional[str], bool) -> Run
    """Record a block of Python: `with record("baseline", seed=1, params=cfg) as run: ...; run.log(step=1, loss=0.3)`.

    `params` may be nested, or anything that `vars` takes. Output that passes through `sys.stdout` and `sys.stderr` is kept.
    """
    request = Request()
    request.experiment, request.seed, request.patch = experiment, seed, patch
    request.task = task or request.task
    request.params = flatten(params) if params is not None else {}
    notebook = "ipykernel" in sys.modules or not sys.argv or not sys.argv[0]
    request.argv = ["python", "-"] if notebook else ["python", *sys.argv]
    return Run(request)


USAGE = """usage: record_run.py [options] -- COMMAND ...

Runs COMMAND and records it: name, code, seed, parameters, environment, output and end, in one manifest.
The exit code is the command's own (128+n for a signal, 127 not found, 126 not executable).

  --experiment NAME     the line of work it belongs to (default: the script's name)
  --seed N              the seed (default: read off the command)
  --param K=V ...       parameters beside those read off the command
  --config FILE ...     config files: their content counts, and is kept
  --task ID             the plan's task, such as P2-T1 (default: $RUN_TASK)
  --sweep NAME          the sweep (default: $RUN_SWEEP)
  --timeout S           end the command after S seconds
  --tty                 give the command a terminal
  --quiet               keep its output in the logs only
  --no-patch            do not save the diff of uncommitted code
  --name-only           print the run's name and do nothing
  -h, --help            this text
  --version             the recorder's version

{RUN_OUTPUT_DIR}, {RUN_NAME}, {RUN_SEED} and {RUN_MANIFEST} in COMMAND stand for what the run finds under these names in its environment.
"""


class Usage(Exception):
    """The options are wrong."""


def parse_options(args):  # type: (Sequence[str]) -> Request
    """The request that the options make. Raises Usage."""
    request = Request()
    rest = list(args)
    several = "--" in args
    while rest and rest[0] != "--" and rest[0].startswith("-"):
        option, equals, value = rest.pop(0).partition("=")
        flag = {"--name-only": "name_only", "--quiet": "quiet", "--tty": "tty", "--no-patch": "patch"}.get(option)
        if flag and not equals:
            setattr(request, flag, flag != "patch")
        elif option in OPTIONS:
            values = [value] if equals else [rest.pop(0)] if rest and rest[0] != "--" else []
            while several and not equals and option in ("--param", "--config") and rest and not rest[0].startswith("-"):
                values.append(rest.pop(0))
            if not values:
                raise Usage("%s needs a value" % option)
            for one in values:
                set_option(request, option, one)
        else:
            raise Usage("there is no option %s" % option)
    if rest and rest[0] == "--":
        rest.pop(0)
    request.argv = list(rest)
    if not request.argv:
        raise Usage("no command is given")
    own = command_params(request.argv).get("seed")
    if request.seed is not None and own is not None and own != request.seed:
        say(
            "warning: recorded with seed %d, as --seed says; the command itself has seed %s"
            % (request.seed, shortest(own))
        )
    return request


OPTIONS = ("--experiment", "--seed", "--param", "--config", "--task", "--sweep", "--timeout")


def set_option(request, option, value):  # type: (Request, str, str) -> None
    """Put one option's value into the request. Raises Usage."""
    if option == "--seed":
        seed = number(value)
        if not isinstance(seed, int):
            raise Usage("--seed needs a whole number, not %r" % value)
        request.seed = seed
    elif option == "--param":
        key, equals, text = value.partition("=")
        if not equals or not key:
            raise Usage("--param needs KEY=VALUE, not %r" % redact(value))
        request.params[key.replace("-", "_")] = value_of(text)
    elif option == "--config":
        if not os.path.isfile(value):
            raise Usage("--config: there is no file %s" % value)
        request.configs.append(value)
    elif option == "--timeout":
        limit = number(value)
        if limit is None or limit <= 0:
            raise Usage("--timeout needs a number of seconds above 0, not %r" % value)
        request.timeout = float(limit)
    elif not value:
        raise Usage("%s needs a value" % option)
    else:
        setattr(request, option[2:], value)


def prepare(request):  # type: (Request) -> Optional[Attempt]
    """Settle what is recorded; None, and said, where that cannot be done. No trouble of ours may stop the command."""
    try:
        return Attempt(locate(__file__), request)
    except (Trouble, OSError) as error:
        say("this run is not recorded: %s" % error)
    except Exception as error:
        say("this run is not recorded, by a fault of the recorder: %s: %s" % (type(error).__name__, error))
    return None


def main(args):  # type: (Sequence[str]) -> int
    """Run the recorder with command line arguments; its exit code."""
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    before = args[: list(args).index("--")] if "--" in args else args
    if "-h" in before or "--help" in before or "--version" in before:
        os.write(1, ("%s\n" % VERSION if "--version" in before else USAGE).encode())
        return 0
    signal.signal(signal.SIGCHLD, lambda *_: None)
    watched = {getattr(signal, n) for n in PASSED if signal.getsignal(getattr(signal, n)) != signal.SIG_IGN}
    watched |= {signal.SIGCHLD, signal.SIGALRM, signal.SIGWINCH}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, watched)
    try:
        request = parse_options(args)
    except Usage as error:
        os.write(2, ("%s\nrecord_run.py: %s\n" % (USAGE.split("\n")[0], error)).encode("utf-8", "backslashreplace"))
        return 2
    attempt = prepare(request)
    if request.name_only:
        if attempt is not None:
            os.write(1, (attempt.name + "\n").encode())
        return 0 if attempt is not None else 1
    return run_command(request, attempt, mask, watched)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    os._exit(code)
