"""Secrets: what looks like one, in arguments, parameters, texts, configurations and code, and how it is hidden."""

from __future__ import annotations

import os

from .values import DIGITS, parse_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Mapping, Sequence

    from .values import Scalar


HIDDEN = "***"

STRONG = frozenset(
    [
        "secret",
        "secrets",
        "password",
        "passwords",
        "passwd",
        "passphrase",
        "pwd",
        "credential",
        "credentials",
        "bearer",
        "jwt",
        "apikey",
        "apitoken",
        "accesskey",
        "secretkey",
        "privatekey",
        "sshkey",
        "authtoken",
        "accesstoken",
    ]
)

WEAK = frozenset(["token", "tokens", "key", "keys", "auth", "oauth", "authorization", "authentication"])

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


def compile_pattern(source: str) -> re.Pattern[str]:
    """`source` compiled; only texts that hold a word of interest ever need it."""
    import re

    return re.compile(source)


def contains_any(text: str, words: Sequence[str]) -> bool:
    """Whether one of `words` is in `text`."""
    return any(word in text for word in words)


def secrecy(name: str) -> int:
    """How much the name of an option or variable looks like a secret: 0 not, 1 as `key` and `token` do, 2 as `password` does."""
    if not contains_any(name.lower(), SECRET_WORDS):
        return 0
    words = [w.lower() for w in compile_pattern(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+").findall(name)]
    ends = ("token", "secret", "password", "passwd", "apikey", "credential", "credentials")
    if STRONG.intersection(words) or any(w.endswith(ends) and w not in WEAK for w in words):
        return 2
    return 1 if WEAK.intersection(words) else 0


def is_harmless(value: str, level: int) -> bool:
    """Whether a value under a secret-looking name is none: nothing, a switch, or (`max_tokens: 512`) a short number."""
    text = value.strip()
    is_switch = text.lower() in ("", "true", "false", "null", "none", HIDDEN)
    return is_switch or (level < 2 and len(text) < 8 and parse_number(text) is not None)


def is_reference(value: str) -> bool:
    """Whether a value in a text stands for another (`$TOKEN`, `{token}`, `<your token>`): then it is no secret itself."""
    return value.lstrip()[:1] in ("$", "{", "<")


def is_revision(context: str) -> bool:
    """Whether what is said before 40 hex digits calls them a revision."""
    return compile_pattern(REVISION).search(context) is not None


def redact(text: str, kind: str = "text") -> str:
    """`text` without its secrets; `kind` is text (arguments, shell), config (a value lasts to the end of its line) or code."""
    if "://" in text and "@" in text:
        text = compile_pattern(r"([A-Za-z][A-Za-z0-9+.\-]*://)([^\s/\"'<>]+)@").sub(_redact_userinfo, text)
    low = text.lower()
    if "authorization" in low or "x-auth" in low or "x-api-key" in low:
        text = compile_pattern(HEADER).sub(_redact_header, text)
    if contains_any(low, SECRET_WORDS):
        values = QUOTED if kind == "code" else f"(?:{QUOTED}|{PLAIN[kind]})"
        text = compile_pattern("(?i)" + ASSIGNED + values).sub(lambda m: _redact_assigned(m, kind), text)
        if kind == "text":
            text = compile_pattern(
                rf"(?i)(?P<name>--?[\w-]*(?:{WORDS})[\w-]*)\s+(?:{QUOTED}|(?P<plain>[^\s\"'-]\S*))"
            ).sub(lambda m: _redact_assigned(m, kind), text)
    for secret in environment_secrets():
        text = text.replace(secret, HIDDEN)
    if contains_any(text, SHAPE_STARTS):
        text = compile_pattern(SHAPES).sub(HIDDEN, text)
    return compile_pattern(HEX40).sub(_redact_hex, text) if len(text) >= 40 else text


def _redact_userinfo(match: re.Match[str]) -> str:
    user, colon, password = match.group(2).partition(":")
    if (password if colon else user)[:1] in ("$", "{") or not (colon or match.group(1).startswith("http")):
        return match.group()
    return match.group(1) + HIDDEN + "@"


def _redact_header(match: re.Match[str]) -> str:
    is_scheme = match.group(2).lower() in ("bearer", "basic", "token", HIDDEN)
    return match.group() if is_scheme else match.group(1) + HIDDEN


def _redact_assigned(match: re.Match[str], kind: str) -> str:
    left = compile_pattern(r"[\w.\-]*$").search(match.string[max(0, match.start() - 64) : match.start()])
    right = compile_pattern(r"[\w.\-]*").match(match.group())
    name = (left.group() if left else "") + (right.group() if right else "")
    which = "quoted" if match.group("quoted") is not None else "plain"
    value, level = match.group(which), secrecy(name)
    if level == 0 or is_harmless(value, level) or is_reference(value) or (which == "quoted" and "{" in value):
        return match.group()
    if kind == "code" and name.strip("-.") == "key" and compile_pattern(r"[A-Za-z_./ -]*").fullmatch(value):
        return match.group()
    start, end = match.span(which)
    return match.group()[: start - match.start()] + HIDDEN + match.group()[end - match.start() :]


def _redact_hex(match: re.Match[str]) -> str:
    return match.group() if is_revision(match.string[max(0, match.start() - 24) : match.start()]) else HIDDEN


def environment_secrets() -> Sequence[str]:
    """Values of this environment's variables whose names look like secrets: they are hidden wherever they turn up."""
    global _secrets
    if _secrets is None:
        _secrets = sorted((v for k, v in os.environ.items() if _is_secret(k, v)), key=len, reverse=True)
    return _secrets


def _is_secret(name: str, value: str) -> bool:
    if len(value) < 8 or value.startswith(("/", "~")) or parse_number(value) is not None:
        return False
    level = secrecy(name)
    return level == 2 or (level == 1 and (len(value) >= 20 or contains_any(value, DIGITS)))


_secrets: list[str] | None = None


def redact_argv(argv: Sequence[str]) -> list[str]:
    """A command's arguments without secrets: `--token X`, `token=X`, `--token=X`, URLs, headers, known shapes."""
    safe: list[str] = []
    previous = ""
    for token in argv:
        level = secrecy(previous) if previous.startswith("-") and "=" not in previous else 0
        name, equals, value = token.partition("=")
        if (
            level
            and not token.startswith("-")
            and not is_harmless(token, level)
            and not previous.lstrip("-").startswith(("use", "no-", "with"))
        ):
            safe.append(HIDDEN)
        elif (
            equals
            and secrecy(name)
            and compile_pattern(r"[\w.+~/@-]+").fullmatch(name)
            and not is_harmless(value, secrecy(name))
        ):
            safe.append(name + "=" + HIDDEN)
        elif len(token) == 40 and not token.strip("0123456789abcdef") and is_revision(previous):
            safe.append(token)
        else:
            safe.append(redact(token))
        previous = token
    return safe


def redact_params(params: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Parameters without secrets, sorted by name."""
    safe: dict[str, Scalar] = {}
    for key in sorted(params):
        value, level = params[key], secrecy(key)
        if isinstance(value, str):
            value = HIDDEN if level and not is_harmless(value, level) else redact(key + "=" + value)[len(key) + 1 :]
        safe[redact(key)] = (
            HIDDEN if level == 2 and isinstance(value, (int, float)) and not isinstance(value, bool) else value
        )
    return safe
