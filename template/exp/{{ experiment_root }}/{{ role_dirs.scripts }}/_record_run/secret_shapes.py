"""Shapes: secrets that show by themselves, whatever they are called: tokens of services, private keys, parts of addresses, headers."""

from __future__ import annotations

from .secret_names import CERTAIN, LIKELY, POSSIBLE, secrecy, word_set
from .secret_tokens import compile_pattern, find_tokens
from .secret_values import is_ordinary, is_secret_value, is_source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Span = tuple[int, int]


PRIVATE_KEY = (
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----"
    r"(?:(?:(?!-----BEGIN)[\s\S])*?-----END[A-Z0-9 ]*-----|[A-Za-z0-9+/=\s\\:,.-]*)"
)
KEY_END = r"-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----"
KEY_LINE = r"[ \t+-]*[A-Za-z0-9+/=]{4,}\s*"
HEX40 = r"(?<![0-9A-Za-z@/#.])[0-9a-f]{40}(?![0-9A-Za-z])"
REVISION = (
    r"(?i)(?<![a-z])(?:commit|revision|rev|sha\d*|hash|digest|ref|checksum|version|index|tree|blob|oid|object|parent|head|base|merge|git|"
    r"fingerprint|etag|checkpoint|ckpt|snapshot|weights|model|dataset|build|code|md5|submodule|from|changeset)(?:[^a-z]|$)"
)

ADDRESS = r"://[^\s\"'<>`|\\]+"
SCHEME = r"[A-Za-z][A-Za-z0-9+.\-]*\Z"
QUERY_PART = r"(?<=[?&#;])(?P<name>[\w.\-]+)=(?P<value>[^&#;\s]+)"
QUERY_SECRETS = word_set(
    "sig signature x-amz-signature x-goog-signature x-amz-credential x-amz-security-token x-goog-credential hmac awsaccesskeyid "
    "x-oss-signature x-cos-signature x-ms-signature"
)
QUERY_POSSIBLE = frozenset(("key", "code", "policy", "ticket", "st", "key-pair-id", "hash", "sign"))
PLAIN_USERS = frozenset(
    ("", "git", "hg", "svn", "anonymous", "oauth2", "x-access-token", "x-token-auth", "aws", "user", "username", "www")
)
# addresses whose path is the secret: who knows it may post
HOOK_WORDS = ("hook", "/bot", "/trigger", "/workflows", "ftqq", "hc-ping", "day.app")
HOOKS = (
    r"(?i)://(?:"
    r"hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/|[\w.]*discord(?:app)?\.com/api/(?:v\d+/)?webhooks/|"
    r"[\w.-]*webhook\.office(?:365)?\.com/\w+/|outlook\.office(?:365)?\.com/webhook/|hooks\.zapier\.com/hooks/\w+/|"
    r"maker\.ifttt\.com/trigger/[^/\s]+/(?:json/)?with/key/|open\.(?:feishu\.cn|larksuite\.com)/open-apis/bot/v2/hook/|api\.telegram\.org/bot|"
    r"sctapi\.ftqq\.com/|hooks\.\w+\.com/|[\w.-]{1,80}\.logic\.azure\.com[:\d]*/workflows/|hc-ping\.com/|api\.day\.app/|[\w.-]{1,80}/hooks/(?=\w{20}))"
    r"(?P<path>[^\s\"'<>?\\]+)"
)
IMAGES = ("docker", "oci", "containers-storage", "docker-daemon")

HEADERS = ("authorization", "cookie", "x-amz-security-token")
HEADER = (
    r"(?i)(?P<sep>\\?[\"']?\s{0,40}[:=,]\s{0,40}(?:[fFrRbB]{0,2}\\?[\"'])?)"
    r"(?P<scheme>(?:bearer|basic|token|apikey|digest|negotiate|key|splunk|bot|hmac|aws4-hmac-sha256|glassfish)\s{1,40})?(?P<value>[^\n\"'`\\]*)"
)
BEARER = r"(?i)bearer[\s=_:]{1,40}(?P<value>[A-Za-z0-9._~+/=-]{8,4000})"
LOGIN_BEFORE = r"(?i)\b(?:login|user|machine)\s+\S+\s+(?:account\s+\S+\s+)?\Z"
LOGIN_VALUE = r"\s+(?P<value>\S+)"


def find_shapes(text: str, low: str) -> Iterator[Span]:
    """Where a text (`low`: in lower case) holds secrets that show by themselves."""
    if "://" in text:
        yield from _find_in_addresses(text)
    for name in HEADERS:
        for at in find_all(low, name):
            yield from _find_in_header(text, low, name, at)
    for at in find_all(low, "bearer"):
        match = compile_pattern(BEARER).match(text, at)
        if match and not is_ordinary(match["value"]):
            yield match.span("value")
    for at in find_all(low, "password"):
        yield from _find_in_login_line(text, at, at + len("password"))
    if "PRIVATE KEY" in text:
        yield from _find_private_keys(text)
    yield from find_tokens(text)
    for match in compile_pattern(HEX40).finditer(text) if has_long_run(text) else ():
        if not is_revision(text[max(0, match.start() - 24) : match.start()]):
            yield match.span()


def has_long_run(text: str) -> bool:
    """Whether a text has as many letters and digits in a row as a hash."""
    return len(text) >= 40 and compile_pattern(r"[0-9a-f]{40}").search(text) is not None


def find_all(text: str, part: str) -> Iterator[int]:
    """Where `part` stands in a text, each time."""
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + len(part))


def holds_shape(text: str) -> bool:
    """Whether a text holds a token of a service or a private key."""
    return compile_pattern(PRIVATE_KEY).search(text) is not None or next(find_tokens(text), None) is not None


def is_revision(context: str) -> bool:
    """Whether what is said before 40 hex digits calls them a revision."""
    return compile_pattern(REVISION).search(context) is not None


def _find_private_keys(text: str) -> Iterator[Span]:
    """Private keys, and the end of one whose first line lies elsewhere."""
    yield from (match.span() for match in compile_pattern(PRIVATE_KEY).finditer(text))
    for match in compile_pattern(KEY_END).finditer(text):
        start = at = text.rfind("\n", 0, match.start()) + 1
        while at > 0 and compile_pattern(KEY_LINE).fullmatch(text, text.rfind("\n", 0, at - 1) + 1, at):
            at = text.rfind("\n", 0, at - 1) + 1
        yield min(start, at), match.end()


def _find_in_login_line(text: str, start: int, end: int) -> Iterator[Span]:
    """`machine h login me password X`, as in `.netrc`."""
    value = compile_pattern(LOGIN_VALUE).match(text, end)
    if (
        value
        and compile_pattern(LOGIN_BEFORE).search(text[max(0, start - 200) : start])
        and is_secret_value(value["value"], CERTAIN)
    ):
        yield value.span("value")


def _find_in_addresses(text: str) -> Iterator[Span]:
    for match in compile_pattern(ADDRESS).finditer(text):
        address, start = match.group(), match.start()
        scheme = compile_pattern(SCHEME).search(text[max(0, start - 32) : start])
        if scheme is None:
            continue
        for first, last in _find_in_address(scheme.group(), address):
            yield start + first, start + last


def _find_in_address(scheme: str, address: str) -> Iterator[Span]:
    """The user with the password, parameters that are secrets, and the path where it is one."""
    authority = address[3:].partition("/")[0]
    info, at, _ = authority.rpartition("@")
    user, colon, password = info.partition(":")
    if at and scheme not in IMAGES and "?" not in user:
        is_named = user.lower() in PLAIN_USERS or user.startswith(("$", "{"))
        if (password and not is_source(password)) if colon else (scheme.startswith("http") and not is_named):
            yield 3, 3 + len(info)
    has_query = "?" in address or "#" in address
    for part in compile_pattern(QUERY_PART).finditer(address) if has_query else ():
        name, level = part["name"].lower(), secrecy(part["name"])
        level = max(level, LIKELY if name in QUERY_SECRETS else POSSIBLE if name in QUERY_POSSIBLE else level)
        if is_secret_value(part["value"], level) and not part["value"].startswith(("$", "{", "<")):
            yield part.span("value")
    may_be_hook = any(word in address.lower() for word in HOOK_WORDS)
    for hook in compile_pattern(HOOKS).finditer(address) if may_be_hook else ():
        if not is_source(hook["path"].split("/")[-1]) and "{" not in hook["path"]:
            yield hook.span("path")


def _find_in_header(text: str, low: str, name: str, at: int) -> Iterator[Span]:
    """The value of a header: what stands behind the scheme; nothing where only the scheme is there, or a variable."""
    match = compile_pattern(HEADER).match(text, at + len(name))
    if (
        match is None
        or low[at - 1 : at].isalnum()
        or ("," in match["sep"] and not match["sep"].rstrip().endswith(('"', "'")))
    ):
        return
    if "=" in match["sep"] and "-" not in name and low[at - 1 : at] != "-" and not match["scheme"]:
        return  # an assignment in code or a file, where other rules know more
    value = match["value"].strip()
    if len(value) < 3 or value.startswith(("$", "{", "<", "%")) or value.lower() in ("bearer", "basic", "token", "***"):
        return
    if match["scheme"] or name == "cookie" or not is_ordinary(value):
        yield match.span("value")
