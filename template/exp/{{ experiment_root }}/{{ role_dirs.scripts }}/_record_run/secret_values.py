"""Values: whether what stands under the name of a secret is one, or a number, a word, a path, a switch, the name of another variable."""

from __future__ import annotations

from .secret_names import CERTAIN, COUNTED, LIKELY, NONE, POSSIBLE, secrecy, word_set
from .values import DIGITS, LETTERS, parse_number

HIDDEN = "***"

SWITCH_VALUES = word_set("true false null none nil yes no on off undefined auto default *** ... - ? ~")
AUTH_KINDS = word_set(
    "basic digest bearer oauth oauth2 ntlm kerberos negotiate ldap iam sso saml oidc mfa token tokens key keys apikey password jwt "
    "required optional anonymous prompt env keyring interactive browser device system publickey gssapi ssh https"
)
WORD_ENDS = LETTERS + DIGITS
UPPER_NAME = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789")
LISTED = str.maketrans(dict.fromkeys(",;[](){}\"'", " "))
PARTED = str.maketrans(dict.fromkeys("./:_-+|<>#@=*&%!?~^$\\", " "))

PLACEHOLDERS = (
    *(
        "your_",
        "my_api_",
        "my_token",
        "insert_",
        "replace_",
        "put_your",
        "paste_",
        "enter_your",
        "changeme",
        "change_me",
        "todo",
    ),
)

SHORT_NUMBER_DIGITS = 7
LONGEST_WORD = 24

# where a value comes from, in place of the value
SOURCES = (
    "op://",
    "vault:",
    "vault://",
    "env:",
    "env://",
    "ssm:",
    "arn:aws:secretsmanager",
    "arn:aws:ssm",
    "file:",
    "keyring:",
    "!",
)


def is_secret_value(value: str, level: int) -> bool:
    """Whether `value`, under a name of such a level, is a secret."""
    text = value.strip().strip("\"'").strip()
    if level == NONE or not text or text.lower() in SWITCH_VALUES or is_source(text) or is_path(text):
        return False
    if level == CERTAIN:
        return text.lower() not in ("prompt", "keyring", "env")
    items = text.translate(LISTED).split()
    if level == LIKELY:
        return text.lower() not in AUTH_KINDS and not all(is_short_number(item) for item in items)
    if level == COUNTED:
        return not is_marker(text) and not all(parse_number(item.rstrip("kKmMbBtT")) is not None for item in items)
    return level == POSSIBLE and not all(is_ordinary(item) for item in items)


def is_marker(text: str) -> bool:
    """Whether a text is a token of a vocabulary as one writes those that are no words: `<s>`, `[MASK]`, `<|user|>`."""
    return text[:1] + text[-1:] in ("<>", "[]") and is_ordinary(text)


def is_short_number(text: str) -> bool:
    """Whether a text is a number of a few digits, such as a count."""
    return parse_number(text) is not None and sum(c in DIGITS for c in text) <= SHORT_NUMBER_DIGITS


def is_ordinary(text: str) -> bool:
    """Whether a text is a number, a name, a version or words of a vocabulary: `gpt2`, `bpe-llama`, `<|endoftext|>`, `16x16`, `1e-3`."""
    return parse_number(text) is not None or all(_is_ordinary_word(part) for part in text.translate(PARTED).split())


def _is_ordinary_word(word: str) -> bool:
    """One word, digits at one end only: `bf16`, `7b`, `ViT`, `wikitext103`; not `a8Kq2x`."""
    letters = word.strip(DIGITS)
    if not letters:
        return len(word) <= 10
    if any(c in DIGITS for c in letters):
        head, middle, tail = letters.partition("x")  # 16x16 and its like have their letter inside
        return bool(middle) and not head.strip(DIGITS) and not tail.strip(DIGITS)
    turns = sum(a.islower() and b.isupper() for a, b in zip(letters, letters[1:]))
    vowels = sum(c in "aeiouyAEIOUY" for c in letters)
    is_readable = len(letters) < 6 or not letters.isascii() or vowels * 8 >= len(letters)
    return (
        len(word) <= LONGEST_WORD and len(word) - len(letters) <= 6 and turns <= 1 + len(letters) // 8 and is_readable
    )


def is_random(text: str) -> bool:
    """Whether a text looks drawn by lot: long, of letters and digits mixed."""
    return len(text) >= 12 and not is_ordinary(text) and not is_path(text)


def is_path(text: str) -> bool:
    """Whether a text is a path of files with ordinary names: `~/.ssh/id_rsa`, `./key.txt`, `/run/secrets/db`."""
    parts = text.split("/")
    if len(parts) < 2 or parts[0] not in ("", "~", ".", ".."):
        return False
    deep = len([part for part in parts if part]) > 1 or "." in parts[-1][1:]
    return deep and all(is_ordinary(part) for part in parts)


def is_source(text: str) -> bool:
    """Whether a text says where a secret comes from and is none: `$HF_TOKEN`, `${env.KEY}`, `{{ key }}`, `<your token>`, `HF_TOKEN`."""
    if text.startswith(("${", "{{", "$(", "%(")) and text.endswith(("}", ")", ")s")):
        return True
    if text.startswith(SOURCES):
        return True
    if text.startswith("$") and len(text) > 1 and set(text[1:]) <= UPPER_NAME:
        return True
    if text[:1] + text[-1:] in ("<>", "{}", "[]", "%%") and len(text) > 2:
        inner = text[1:-1]
        return set(inner) <= UPPER_NAME or is_placeholder(inner) or secrecy(inner.replace(" ", "_")) > NONE
    return is_placeholder(text) or (set(text) <= UPPER_NAME and "_" in text and secrecy(text) > NONE)


def is_placeholder(text: str) -> bool:
    """Whether a text stands in a manual where a secret belongs: `your-api-key`, `xxxx`."""
    low = text.lower().replace("-", "_").replace(" ", "_")
    return low.startswith(PLACEHOLDERS) or (len(low) > 2 and not low.strip("x*.#_"))
