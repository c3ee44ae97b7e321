"""Redaction: arguments, parameters, texts and environments without their secrets. What a secret is, the modules `secret_*` say.

Most commands hold nothing that could be one; they are told by a quick look, and those modules, with their patterns, stay unread.
"""

from __future__ import annotations

import os

from .files import CODE, SHELL
from .secret_names import LIKELY, SECRET_PARTS, secrecy, word_set
from .values import DIGITS, LETTERS, format_value, parse_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .values import Scalar


HIDDEN = "***"
# stands for a secret where a run's identity is made up, and is taken out of it: no argument can hold it, as one may hold `***`
LEFT_OUT = "\0"

SHELL_ENDS = (*SHELL, ".zsh", ".ksh", ".fish", ".ps1", "Dockerfile", "Makefile")
SHELLS = ("bash", "sh", "zsh", "dash", "ksh")

# an option that takes a user with a password, and programs whose short options take one
TELLING_WORDS = word_set(
    "-u -U -a --user --creds --http-user --userpass sshpass mysql mysqldump mysqladmin mariadb mongo mongosh mongodump redis-cli zip unzip "
    "7z 7za ssh-keygen ldapsearch twine docker podman az helm openssl curl gh wandb comet smbclient http https xh vncpasswd netlify "
    "replicate svn"
)
# addresses whose path may be a secret
TELLING_ADDRESSES = ("@", "?", "#", "/bot", "/trigger", "/workflows", "hc-ping", "ftqq", "day.app")
NO_HEX = {c: " " for c in range(128) if chr(c) not in "0123456789abcdef"}

SHORTEST_TOKEN = 15
SHORTEST_ENVIRONMENT_SECRET = 8
LONGEST_PLAIN_WORD = 16


def may_hold_secret(text: str) -> bool:
    """Whether a closer look at a text is needed."""
    name, _, value = text.partition("=")
    if is_option_name(name) and not secrecy(name) and name.lower().rpartition("/")[2] not in TELLING_WORDS:
        if not value:
            return len(text) >= SHORTEST_TOKEN and _may_hold_token(text)
        if not is_option_name(value):
            return may_hold_secret(value)
    low = text.lower()
    if any(part in low for part in SECRET_PARTS) or low.rpartition("/")[2] in TELLING_WORDS or "-----" in text:
        return True
    if ("://" in text and any(part in text for part in TELLING_ADDRESSES)) or (
        " -" in text and not TELLING_WORDS.isdisjoint(text.split())
    ):
        return True
    if len(text) >= 40 and any(len(run) == 40 for run in text.translate(NO_HEX).split()):
        return True
    return max(map(len, text.replace("/", " ").split()), default=0) >= SHORTEST_TOKEN and _may_hold_token(text)


def _may_hold_token(text: str) -> bool:
    if len(text) >= 40 and any(len(run) == 40 for run in text.translate(NO_HEX).split()):
        return True
    from .secret_tokens import may_hold_token

    return may_hold_token(text)


def redact(text: str, kind: str = "text", mark: str = HIDDEN) -> str:
    """`text` with `mark` in place of its secrets, on each line that holds one.

    `kind` is text (arguments, shell, logs), config (a value lasts to the end of its line) or code (values stand in quotes).
    """
    if may_hold_secret(text):
        from .secret_texts import find_secrets

        text = replace_spans(text, find_secrets(text, kind), mark)
    return redact_environment(text, mark)


def redact_environment(text: str, mark: str = HIDDEN) -> str:
    """`text` with `mark` in place of what this environment's variables say is secret."""
    for secret in environment_secrets():
        if secret in text:
            text = text.replace(secret, mark)
    return text


def replace_spans(text: str, spans: Sequence[tuple[int, int]], mark: str) -> str:
    """`text` with `mark` in place of spans, which are in order."""
    parts, at = [], 0
    for start, end in spans:
        parts += [text[at:start], mark]
        at = end
    return "".join(parts) + text[at:]


def text_kind(path: str) -> str:
    """As what a file is searched for secrets: code, text (shell) or config."""
    return "code" if path.endswith(CODE) else "text" if path.endswith(SHELL_ENDS) else "config"


def redact_argv(argv: Sequence[str], mark: str = HIDDEN) -> list[str]:
    """A command's arguments with `mark` in place of their secrets: `--token X`, `token=X`, `-u user:X`, URLs, headers, known shapes."""
    if not any(map(may_hold_secret, argv)):
        return [redact(token, mark=mark) for token in argv] if environment_secrets() else list(argv)
    from .secret_words import find_secret_words

    words = find_secret_words(argv)
    safe = []
    for i, token in enumerate(argv):
        name, equals, value = token.partition("=")
        if i in words:
            safe.append(token[: words[i]] + mark)
        elif equals and is_option_name(name) and secrecy(name) and _is_secret_value(value, secrecy(name)):
            safe.append(f"{name}={mark}")
        elif i and len(token) == 40 and _is_called_revision(argv[i - 1]):
            safe.append(token)
        else:
            safe.append(redact(token, _kind_of_argument(argv, i), mark))
    return safe


def is_option_name(text: str) -> bool:
    """Whether what stands before `=` in an argument is the name of an option, a parameter or a variable."""
    return bool(text) and not text.strip(LETTERS + DIGITS + "_.@/+~-")


def _is_called_revision(option: str) -> bool:
    from .secret_shapes import is_revision

    return is_revision(option)


def _kind_of_argument(argv: Sequence[str], at: int) -> str:
    """What is given by `-c` or `-e` to an interpreter is code, to a shell a text."""
    if at < 2 or argv[at - 1] not in ("-c", "-e"):
        return "text"
    program = os.path.basename(argv[at - 2]).rstrip(DIGITS + ".")
    return (
        "text"
        if program in SHELLS
        else "code"
        if program in ("python", "Rscript", "julia", "perl", "ruby", "node")
        else "text"
    )


def redact_params(params: Mapping[str, Scalar], mark: str = HIDDEN) -> dict[str, Scalar]:
    """Parameters with `mark` in place of secrets, sorted by name."""
    safe: dict[str, Scalar] = {}
    for key in sorted(params):
        value, level = params[key], secrecy(key)
        if isinstance(value, str):
            value = _redact_value(key, value, level, mark)
        elif (
            level and value is not None and not isinstance(value, bool) and _is_secret_value(format_value(value), level)
        ):
            value = mark
        safe[redact(key, mark=mark)] = value
    return safe


def redact_metrics(metrics: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Metrics without secrets, sorted by name: a number is none, whatever it is called."""
    return {
        redact(key): _redact_value(key, value, secrecy(key), HIDDEN) if isinstance(value, str) else value
        for key, value in sorted(metrics.items())
    }


def _redact_value(key: str, value: str, level: int, mark: str) -> str:
    if level and _is_secret_value(value, level):
        return mark
    safe = redact(f"{key}={value}", mark=mark)  # what it is called may say that it is a revision
    return safe[len(key) + 1 :] if safe.startswith(f"{key}=") else redact(value, mark=mark)


def _is_secret_value(value: str, level: int) -> bool:
    from .secret_values import is_secret_value

    return is_secret_value(value, level)


def redact_variable(name: str, value: str) -> str:
    """The value of an environment variable without secrets."""
    level = secrecy(name)
    return HIDDEN if level and _is_secret_value(value, level) else redact(value)


def environment_secrets() -> Sequence[str]:
    """Values of this environment's variables whose names are secrets': they are hidden wherever they turn up."""
    global _secrets
    if _secrets is None:
        parts = {part for name, value in os.environ.items() for part in _secret_lines(name, value)}
        _secrets = sorted(parts, key=lambda part: (-len(part), part))
    return _secrets


def _secret_lines(name: str, value: str) -> list[str]:
    """The lines of a variable's value that are worth hiding everywhere: not what may as well be a word, a path or a number."""
    level = secrecy(name)
    if (
        not level
        or len(value) < SHORTEST_ENVIRONMENT_SECRET
        or value.startswith(("/", "~"))
        or parse_number(value) is not None
    ):
        return []
    is_word = (
        value.isalpha() and len(value) <= LONGEST_PLAIN_WORD and (value.islower() or value.istitle() or level < LIKELY)
    )
    if is_word or not _is_secret_value(value, level):
        return []
    return [line for line in value.splitlines() if len(line) >= SHORTEST_ENVIRONMENT_SECRET]


_secrets: list[str] | None = None
