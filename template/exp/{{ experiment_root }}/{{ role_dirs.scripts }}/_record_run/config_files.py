"""Config files that a command names: which words of it name one, and how one counts."""

from __future__ import annotations

import os

from .files import CODE, CONFIG, LARGEST_TEXT_BYTES, SHELL, file_size, hash_files
from .lean_imports import sha256
from .redaction import redact, text_kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


# data and states are JSON too: such a file counts where an option of the command calls it a configuration
JSON = (".json", ".json5", ".jsonc", ".hjson")
CONFIG_FILES = CONFIG + JSON
CONFIG_WORDS = frozenset(
    ("config", "configs", "conf", "cfg", "configfile", "settings", "hparams", "hyperparameters", "args", "deepspeed")
)


def file_words(argv: Sequence[str], scheme: int) -> list[str]:
    """The words of a command that look like source or config files; from scheme 2 on JSON that an option calls a config."""
    words = [w for token in argv for w in (token, token.partition("=")[2]) if w.endswith(CODE + SHELL + CONFIG)]
    for i, token in enumerate(argv if scheme > 1 else ()):
        name, _, value = token.partition("=")
        word, option = (value, name) if value else (token, argv[i - 1] if i else "")
        if word.endswith(JSON) and _names_config(option):
            words.append(word)
    return words


def is_counted(word: str) -> bool:
    """Whether a word of a command is a file whose content counts: JSON of over 1 MiB is data."""
    return os.path.isfile(word) and (not word.endswith(JSON) or file_size(word) <= LARGEST_TEXT_BYTES)


def _names_config(option: str) -> bool:
    """Whether an option (or parameter of Hydra) names a configuration: `--config`, `--ds-config`, `-c`, `model.cfg=`, `--hparams`."""
    words = option.lower().lstrip("-+~").replace("-", "_").replace(".", "_").split("_")
    return option == "-c" or bool(CONFIG_WORDS.intersection(words))


def hash_counted(top: str, paths: Iterable[str], scheme: int) -> list[tuple[str, str]]:
    """`(path, SHA-256)` of files that count by their content; from scheme 2 on of a config file what it says without its secrets."""
    hashed = hash_files(top, paths)
    if scheme == 1:
        return hashed
    return [(path, _hash_without_secrets(os.path.join(top, path)) or digest) for path, digest in hashed]


def _hash_without_secrets(path: str) -> str | None:
    """The SHA-256 of a config file without its secrets; None where it has none."""
    if not path.endswith(CONFIG_FILES) or file_size(path) > LARGEST_TEXT_BYTES:
        return None
    with open(path, "rb") as file:
        content = file.read()
    text = os.fsdecode(content)
    safe = redact(text, text_kind(path), mark="")
    return None if safe == text else sha256(os.fsencode(safe)).hexdigest()


def hides_secrets(path: str) -> bool:
    """Whether a config file holds secrets."""
    return _hash_without_secrets(path) is not None
