"""Words of a command line: which of them, or which end of one, is a secret by the option or the program that it is given to."""

from __future__ import annotations

import os

from .secret_names import CERTAIN, LIKELY, NONE, secrecy
from .secret_values import is_ordinary, is_secret_value, is_short_number, is_source
from .values import DIGITS, LETTERS, parse_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


# short options by the program that takes a secret by them; `-p*`: the secret follows in the same word
SHORT_OPTIONS = {
    "sshpass": ("-p", "-p*"),
    "mysql": ("-p*",),
    "mysqldump": ("-p*",),
    "mysqladmin": ("-p*",),
    "mariadb": ("-p*",),
    "mongo": ("-p",),
    "mongosh": ("-p",),
    "mongodump": ("-p",),
    "redis-cli": ("-a",),
    "zip": ("-P",),
    "unzip": ("-P",),
    "7z": ("-p*",),
    "7za": ("-p*",),
    "ssh-keygen": ("-N", "-P"),
    "ldapsearch": ("-w",),
    "twine": ("-p",),
    "docker": ("-p",),
    "podman": ("-p",),
    "az": ("-p",),
    "helm": ("-p",),
    "openssl": ("-k", "-K", "-passin", "-passout", "-pass"),
    "curl": ("-b", "-E"),
    "vncpasswd": ("-p",),
    "gh": ("-b", "--body"),
}
# where the same option means a port or a project without it
ONLY_WITH = {"docker": "login", "podman": "login", "az": "login", "helm": "login", "gh": "secret", "twine": "upload"}
# `wandb login KEY`
LOGINS = {
    "wandb": "login",
    "comet": "login",
    "clearml-init": "",
    "netlify": "login",
    "kaggle": "login",
    "replicate": "login",
}
USER_OPTIONS = (
    "-u",
    "--user",
    "--proxy-user",
    "-U",
    "--basic-auth",
    "--userpass",
    "--http-user",
    "--auth",
    "-a",
    "--creds",
)
CLIENTS = ("curl", "http", "https", "wget", "xh", "curlie", "aria2c", "lftp", "smbclient", "ab", "wrk", "svn")
CONTAINER_PROGRAMS = ("docker", "podman", "chown", "install", "sudo", "rsync", "nerdctl", "singularity", "apptainer")
SETTERS = ("set", "config", "modify", "--global", "--local", "--system", "put", "add", "configure")
OPTION_LETTERS = frozenset(LETTERS + "-_")


def find_secret_words(words: Sequence[str]) -> dict[int, int]:
    """Words that are secrets by what stands before them: index -> where in the word the secret begins."""
    secret: dict[int, int] = {}
    program = _find_program(words)
    for i, word in enumerate(words):
        if i in secret:
            continue
        if word.startswith("-") and len(word) > 1:
            if "=" in word or ":" in word:
                continue
            for at in _find_option_values(words, i):
                secret[at] = 0
            if word in USER_OPTIONS and i + 1 < len(words):
                _add_user_password(secret, i + 1, words[i + 1], program)
        elif i + 1 < len(words) and _is_setting(words, i):
            secret[i + 1] = 0
    _add_user_with_equals(secret, words, program)
    _add_by_program(secret, words, program)
    return secret


def _find_program(words: Sequence[str]) -> str:
    """The first word that names a program with options of its own; empty where there is none."""
    for word in words:
        name = os.path.basename(word)
        if name in SHORT_OPTIONS or name in LOGINS or name in CLIENTS or name in CONTAINER_PROGRAMS:
            return name
    return ""


def _find_option_values(words: Sequence[str], at: int) -> list[int]:
    """The indices of the values of an option with a secret's name; of one in the plural all that follow."""
    option = words[at].strip("-")
    level = secrecy(option)
    if level == NONE:
        return []
    is_plural = option.lower().endswith("s") and not option.lower().endswith("ss")
    values = []
    for i in range(at + 1, len(words)):
        if _is_option(words[i]):
            break
        if not is_secret_value(words[i], level):
            break
        values.append(i)
        if not is_plural:
            break
    return values


def _is_option(word: str) -> bool:
    """Whether a word that begins with `-` is an option: a name of letters, or one with its value behind `=`; a key or a number is none."""
    if not word.startswith("-") or word == "-":
        return False
    name = word.partition("=")[0]
    if parse_number(word) is not None:
        return False
    if name.startswith("-----"):
        return False
    if name.startswith("--"):
        return name[2:3].isalpha() and not name.strip(LETTERS + DIGITS + "-_.:/")
    return set(name) <= OPTION_LETTERS or len(name) == 2


def _is_setting(words: Sequence[str], at: int) -> bool:
    """`configure set aws_secret_access_key X`: a name by itself, then its value."""
    word = words[at]
    level = secrecy(word)
    if level < CERTAIN and not word.lower().endswith("_authtoken"):
        return False
    is_name = not word.strip(LETTERS + DIGITS + "._-:/") and any(w in SETTERS for w in words[max(0, at - 4) : at])
    return is_name and not _is_option(words[at + 1]) and is_secret_value(words[at + 1], CERTAIN)


def _add_user_password(secret: dict[int, int], at: int, word: str, program: str, start: int = 0) -> None:
    """`-u user:password`: what stands behind the colon; a pair of numbers or of equal words is a user and a group."""
    user, colon, password = word[start:].partition(":")
    if not colon or not password or not user or "/" in user or is_source(password) or is_short_number(password):
        return
    if program in CLIENTS or (user != password and program not in CONTAINER_PROGRAMS and not password.startswith("//")):
        secret[at] = start + len(user) + 1


def _add_user_with_equals(secret: dict[int, int], words: Sequence[str], program: str) -> None:
    for i, word in enumerate(words):
        option, equals, _ = word.partition("=")
        if equals and option in USER_OPTIONS:
            _add_user_password(secret, i, word, program, start=len(option) + 1)
        elif word.startswith("-u") and len(word) > 3 and ":" in word and program in CLIENTS:
            _add_user_password(secret, i, word, program, start=2)


def _add_by_program(secret: dict[int, int], words: Sequence[str], program: str) -> None:
    """Short options of programs that take a secret by them, and `wandb login KEY`."""
    names = [os.path.basename(word) for word in words]
    for tool, options in SHORT_OPTIONS.items():
        if tool in names and ONLY_WITH.get(tool, tool) in names:
            for i in range(names.index(tool) + 1, len(words)):
                _add_short_option(secret, words, i, tool, options)
    for tool, verb in LOGINS.items():
        if tool in names and verb in names:
            for i in range(names.index(verb) + 1, len(words)):
                if not words[i].startswith("-") and not is_ordinary(words[i]):
                    secret[i] = 0
    for i in range(1, len(words)) if program == "smbclient" else ():
        if "%" in words[i] and words[i - 1] in ("-U", "--user"):
            secret[i] = words[i].index("%") + 1


def _add_short_option(secret: dict[int, int], words: Sequence[str], at: int, tool: str, options: Sequence[str]) -> None:
    word = words[at]
    if word in options and at + 1 < len(words):
        _add_value_of_short_option(secret, words, at + 1, tool)
    for option in options:
        if option.endswith("*") and word.startswith(option[:-1]) and len(word) >= len(option):
            secret[at] = len(option) - 1


def _add_value_of_short_option(secret: dict[int, int], words: Sequence[str], at: int, tool: str) -> None:
    word = words[at]
    if tool == "openssl":
        if word.startswith("pass:"):
            secret[at] = 5
        elif words[at - 1] in ("-k", "-K") and is_secret_value(word, LIKELY):
            secret[at] = 0
    elif tool == "curl":
        if words[at - 1] == "-b" and "=" in word:
            secret[at] = word.index("=") + 1
        elif words[at - 1] == "-E" and ":" in word:
            secret[at] = word.index(":") + 1
    elif is_secret_value(word, CERTAIN):
        secret[at] = 0
