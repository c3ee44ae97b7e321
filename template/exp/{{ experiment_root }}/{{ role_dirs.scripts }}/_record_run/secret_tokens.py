"""Tokens of services by their shape: how each begins, and what follows."""

from __future__ import annotations

from .values import DIGITS, LETTERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Iterator


ID = r"[A-Za-z0-9]"

# (how it begins, what follows): a token has more letters and digits than a word that begins alike
TOKENS = (
    ("hf_", r"(?=\w{0,200}[A-Z0-9])[A-Za-z0-9]{16,2000}"),  # Hugging Face
    ("api_org_", r"[A-Za-z0-9]{20,2000}"),
    ("sk-", r"(?=[\w-]{0,60}\d)[\w-]{16,400}"),  # OpenAI, Anthropic, OpenRouter, DeepSeek, Langfuse
    ("sess-", r"[A-Za-z0-9]{30,2000}"),
    *((start, r"[A-Za-z0-9]{16,2000}") for start in ("ghp_", "gho_", "ghu_", "ghs_", "ghr_")),  # GitHub
    ("github_pat_", r"\w{20,2000}"),
    *(
        (f"gl{kind}-", r"[\w.-]{16,2000}")
        for kind in ("pat", "dt", "rt", "cbt", "ptt", "ft", "oas", "soat", "agent", "imt", "ffct")
    ),  # GitLab
    ("GR1348941", r"[\w-]{16,2000}"),
    *((f"xox{kind}-", r"[\w-]{10,2000}") for kind in "abeoprs"),  # Slack
    ("xoxe.xox", r"[bp]-[\w-]{10,2000}"),
    ("xapp-", r"\d-[\w-]{10,2000}"),
    *((start, r"[0-9A-Z]{16}(?![0-9A-Za-z])") for start in ("AKIA", "ASIA", "ABIA", "ACCA")),  # AWS
    ("AIza", r"[\w-]{30,2000}"),  # Google
    ("ya29.", r"[\w-]{20,2000}"),
    ("GOCSPX-", r"[\w-]{20,2000}"),
    ("1//0", r"[\w-]{30,2000}"),
    (
        "eyJ",
        r"(?:[\w-]{10,2000}\.(?:eyJ)?[\w-]{10,2000}\.[\w-]*|(?=[\w+/]{0,200}\d)[\w+/]{60,2000}={0,2})",
    ),  # JWT; JSON in Base64, as Neptune has it
    ("wandb_v1_", r"\w{20,2000}"),
    ("local-", r"[0-9a-f]{40}"),
    ("pnu_", r"[A-Za-z0-9]{30,2000}"),  # Prefect
    ("npm_", r"[A-Za-z0-9]{30,2000}"),
    ("pypi-", r"[\w-]{30,2000}"),
    ("rubygems_", r"[0-9a-f]{40,2000}"),
    ("dckr_pat_", r"[\w-]{20,2000}"),
    ("dckr_oat_", r"[\w-]{20,2000}"),
    *(
        (f"{kind}_{mode}_", r"[A-Za-z0-9]{10,2000}") for kind in ("sk", "rk") for mode in ("live", "test", "prod")
    ),  # Stripe
    ("whsec_", r"[A-Za-z0-9+/]{20,2000}"),
    ("SG.", r"[\w-]{16,2000}\.[\w-]{16,2000}"),  # SendGrid
    ("key-", r"[0-9a-f]{32}"),  # Mailgun
    ("SK", r"[0-9a-f]{32}"),  # Twilio
    *((start, r"[0-9a-f]{32,2000}") for start in ("dop_v1_", "doo_v1_", "dor_v1_", "dapi")),  # DigitalOcean, Databricks
    ("hvs.", r"[\w-]{20,2000}"),  # Vault
    *(
        (start, r"[A-Za-z0-9]{20,2000}") for start in ("gsk_", "r8_", "xai-", "pplx-", "fw_")
    ),  # Groq, Replicate, xAI, ...
    *((start, r"[\w-]{16,2000}") for start in ("nvapi-", "tvly-", "lsv2_", "pcsk_", "tgp_v1_", "sb_secret_", "tskey-")),
    *(
        (start, r"\w{20,2000}")
        for start in ("KGAT_", "jina_", "rpa_", "lin_api_", "ntn_", "ATBB", "AKCp", "EAACEdEose0cBA")
    ),
    *(
        (start, r"[\w-]{20,2000}")
        for start in ("figd_", "PMAK-", "glsa_", "glc_", "NRAK-", "HRKU-", "fo1_", "sq0atp-", "sq0csp-")
    ),
    ("secret_", r"(?=\w{0,200}\d)[A-Za-z0-9]{40,2000}"),  # Notion
    ("sntrys_", r"[\w+/=-]{20,2000}"),
    ("sntryu_", r"[\w+/=-]{20,2000}"),
    ("dp.pt.", r"[\w.-]{20,2000}"),
    ("dp.st.", r"[\w.-]{20,2000}"),
    ("sbp_", r"[0-9a-f]{30,2000}"),
    ("CLOJARS_", r"[0-9a-f]{30,2000}"),
    *((start, r"[0-9a-fA-F]{20,2000}") for start in ("shpat_", "shpca_", "shppa_", "shpss_")),
    ("ATATT3", r"[\w=-]{20,2000}"),
    ("AGE-SECRET-KEY-1", r"[0-9A-Z]{20,2000}"),
    ("django-insecure-", r"[^\s\"']{20,2000}"),
)
# those that begin as any word or number may: what they contain, and the whole
INNER = (
    (":A", r"(?<![0-9A-Za-z])\d{8,10}:A[\w-]{34}"),  # bots of Telegram
    (".atlasv1.", r"[A-Za-z0-9]{14}\.atlasv1\.[\w-]{40,2000}"),
    ("FlyV1 ", r"FlyV1 \S{20,2000}"),
)
RUN = r"[A-Za-z0-9_.\-+/=]{15,}"
DIGIT_SET = frozenset(DIGITS)
WORD_CHARACTERS = frozenset(LETTERS + DIGITS)


def compile_pattern(source: str) -> re.Pattern[str]:
    """`source` compiled, once: few texts need any."""
    if source not in _patterns:
        import re

        _patterns[source] = re.compile(source)
    return _patterns[source]


_patterns: dict[str, re.Pattern[str]] = {}


def find_tokens(text: str) -> Iterator[tuple[int, int]]:
    """Where a text holds tokens of services."""
    for run in compile_pattern(RUN).finditer(text):
        piece = run.group()
        if piece.islower() and DIGIT_SET.isdisjoint(piece):
            continue  # words: what is drawn by lot has a digit or a capital
        for start, rest in TOKENS:
            if start in piece:
                yield from _find_token(text, run.start(), run.end(), start, rest)
    for part, whole in INNER:
        if part in text:
            yield from (match.span() for match in compile_pattern(whole).finditer(text))


def _find_token(text: str, first: int, last: int, start: str, rest: str) -> Iterator[tuple[int, int]]:
    at = text.find(start, first, last)
    while at >= 0:
        is_first = at == 0 or text[at - 1] not in WORD_CHARACTERS
        match = compile_pattern(rest).match(text, at + len(start)) if is_first else None
        if match:
            yield at, match.end()
        at = text.find(start, match.end() if match else at + 1, last)


def may_hold_token(text: str) -> bool:
    """Whether something in a text begins as a token does."""
    return any(start in text for start, _ in TOKENS) or any(part in text for part, _ in INNER)
