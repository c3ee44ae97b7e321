"""Names: whether the name of an option, variable or key is a secret's. Its head noun decides, never some other word in it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


NONE = 0  # `token_type`, `max_tokens`, `password_f1`
POSSIBLE = 1  # `sort_key`, `foo_token`: a secret where the value looks like one
COUNTED = 2  # `tokens`: a secret, unless it is a number
LIKELY = 3  # `token`, `auth`: a secret, unless it is a small number or a switch
CERTAIN = 4  # `password`, `api_key`, `hf_token`: a secret, numbers too

# parts of one of which every name for a secret consists; a text without any of them needs no closer look
SECRET_PARTS = (
    "token",
    "key",
    "secret",
    "pass",
    "pwd",
    "auth",
    "cred",
    "bearer",
    "jwt",
    "cookie",
    "hook",
    "mnemonic",
    "_pat",
)


def word_set(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


STRONG = word_set(
    "password passwords passwd passphrase passphrases passcode passwort pwd secret secrets credential credentials creds "
    "apikey apikeys apitoken accesskey secretkey privatekey sshkey authtoken accesstoken jwt bearer cookie cookies mnemonic"
)
STRONG_ENDS = ("password", "passwd", "passphrase", "secret", "secrets", "apikey", "credential", "credentials")

SERVICES = word_set(
    "anthropic aws azure bitbucket claude clearml cloudflare codecov cohere comet consul dagshub databricks datadog deepseek "
    "digitalocean discord docker dockerhub elevenlabs fal figshare fireworks fly gcp gemini gh git gitea github gitlab google "
    "grafana groq heroku hf hub hugging huggingface kaggle langchain langsmith lightning linear mailgun mistral mlflow modal neptune "
    "netlify ngrok nomad notion npm nvidia ollama openai openrouter osf perplexity pinecone pypi registry replicate roboflow "
    "runpod sendgrid sentry slack square stripe tailscale telegram together twilio twine twitter vast vault vercel wandb "
    "weaviate xai zenodo"
)

# what a token or key of which a secret is called: `access_token`, `private_key`
OF_SECRETS = SERVICES | word_set(
    "access admin api app auth bot ci client csrf db deploy encrypt encryption fernet gpg hmac http id jupyter jwt license login "
    "master my oauth pem personal pgp private push refresh root rsa secret security server service session shared sign signing "
    "ssh ssl storage subscription tls upload user webhook write xsrf account decryption signature host face"
)

# of which one writes `dbpass` in one word
OF_PASSES = word_set("db user root admin my ftp mail smtp sql ssh key web")

# what a `pass` is of that is no password, but goes over something
ORDINARY_PASSES = word_set(
    "all backward band compile dual each eval extra final first forward full fusion gradient high inference initial last loop "
    "compiler data low multi next one opt optimizer per post pre previous prune render second single test third through train two warmup"
)

# of data, models and grammar: these make a token or key an ordinary one
ORDINARY = word_set(
    "action assistant attention audio bad batch begin blank bos bpe byte cache char chat class cls col column completion config "
    "context data decoder delimiter dict domain drop empty encoder end eos eval expert field first foreign forced generated good "
    "group hot image img in index input item join json keep label lang language last latent line lookup main map mask masked "
    "memory merge merged metric mix mixer monitor newline next no noise null out output pad padding partition patch pos position "
    "primary prev prompt prune pruned pub public query reasoning register reward role router row search sep separator shard sort "
    "sos source space special speech src start state stop sub suppress system target task test text tgt think thinking time tool "
    "train trigger unk unknown val video vision visual vocab word"
)
COUNTS = word_set("avg budget count len length limit max mean min n num number of per ratio size total")
SWITCHES = word_set("use with no has is enable disable skip require allow ignore show")

# what may follow the head without being one itself: `api_key_prod`, `password2`, `client-key-data`
SUFFIXES = word_set(
    "value val str string raw plain plaintext prod production dev staging live default old new b64 base64 hex data"
)

# of a mapping that is called `secrets`, these are no secrets: `credentials: {username: ...}`
PLAIN_LEAVES = word_set(
    "user username login email account id name type kind url uri host hostname server port path file region bucket project "
    "provider enabled method scope scopes env version database dbname db endpoint domain"
)
CONTAINERS = word_set("secrets secret credentials credential creds passwords apikeys")


def split_words(name: str) -> list[str]:
    """The words of a name, lower case: `hf_token`, `hfToken` and `HF-TOKEN` have the same two; digits stand alone."""
    words: list[str] = []
    before = ""
    for i, c in enumerate(name):
        after = name[i + 1 : i + 2]
        if not c.isalnum():
            kind = ""
        elif c.isdigit():
            kind = "digit"
        else:
            kind = "upper" if c.isupper() else "lower"
        hump = kind == "upper" and (before == "lower" or (before == "upper" and after.islower()))
        if kind:
            if hump or not before or (kind == "digit") != (before == "digit"):
                words.append(c.lower())
            else:
                words[-1] += c.lower()
        before = kind
    return words


def secrecy(name: str) -> int:
    """How much a name is a secret's: NONE, POSSIBLE, COUNTED, LIKELY or CERTAIN."""
    if name not in _levels:
        _levels[name] = _find_level(name)
    return _levels[name]


_levels: dict[str, int] = {}


def _find_level(name: str) -> int:
    low = name.lower()
    if not any(part in low for part in SECRET_PARTS):
        return NONE
    words = split_words(name)
    while len(words) > 1 and (words[-1].isdigit() or words[-1] in SUFFIXES):
        words.pop()
    if not words:
        return NONE
    level = _level_of_head(words[-1], words[:-1])
    if level == NONE and any(part in low for part in CONTAINERS):
        return _level_below_container(name, words[-1])
    return level


def _level_below_container(name: str, head: str) -> int:
    """`secrets.openai`: what a mapping for secrets holds is one, if it is not called a user or an address."""
    above = name.replace("/", ".").replace("[", ".").replace(":", ".").split(".")[:-1]
    holds = any(part.strip("\"'-_]+~").lower() in CONTAINERS for part in above)
    return CERTAIN if holds and head not in PLAIN_LEAVES else NONE


def _level_of_head(head: str, before: Sequence[str]) -> int:
    last = before[-1] if before else ""
    if COUNTS.intersection(before):
        return NONE
    if head in ("url", "uri", "endpoint") and last in ("webhook", "hook"):
        return CERTAIN
    is_switch = bool(before) and before[0] in SWITCHES
    if head in STRONG or head == "webhook" or head.endswith(STRONG_ENDS):
        return POSSIBLE if is_switch else CERTAIN
    for noun in ("tokens", "token", "keys", "key"):
        if head == noun:
            return COUNTED if head == "tokens" and not before else _level_of_token_or_key(noun.rstrip("s"), before)
        if head.endswith(noun) and head[: -len(noun)] in OF_SECRETS:
            return CERTAIN
    if head in ("pass", "pw"):
        return NONE if last in ORDINARY_PASSES else LIKELY
    if head.endswith("pass") and head[:-4] in OF_PASSES:
        return CERTAIN
    if head in ("auth", "authorization"):
        return POSSIBLE if is_switch else LIKELY
    is_personal = head == "pat" and bool(SERVICES.intersection(before))  # `github_pat`, a personal access token
    return CERTAIN if is_personal else POSSIBLE if head in ("oauth", "authentication") else NONE


def _level_of_token_or_key(noun: str, before: Sequence[str]) -> int:
    if not before:
        return LIKELY if noun == "token" else POSSIBLE
    if before[0] in SWITCHES:
        return POSSIBLE
    if before[-1] in OF_SECRETS or (before[-1].isdigit() and OF_SECRETS.intersection(before)):
        return CERTAIN
    if noun == "key" and OF_SECRETS.intersection(before) and before[-1] not in ORDINARY:
        return CERTAIN
    return NONE if before[-1] in ORDINARY else POSSIBLE
