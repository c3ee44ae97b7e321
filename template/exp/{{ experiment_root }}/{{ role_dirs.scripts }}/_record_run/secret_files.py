"""Files that hold secrets by custom, told by their paths: they are never kept, neither in a patch nor in an export."""

from __future__ import annotations

from .secret_names import word_set

PLAIN_TEXT_NAMES = word_set(".netrc _netrc .pgpass .git-credentials .htpasswd id_dsa id_ecdsa")
NAMES = word_set(
    ".my.cnf .pypirc .npmrc .yarnrc .dockercfg .boto .s3cfg .kaggle kaggle.json .vault-token "
    ".databrickscfg credentials credentials.json credentials.yaml credentials.yml credentials.toml client_secret.json token.json "
    "service-account.json service_account.json secrets.json secrets.yaml secrets.yml secrets.toml secrets.ini secrets.env secrets.sh "
    "secret.json secret.yaml secret.yml secret.toml secrets.txt secret.txt passwords.txt password.txt token.txt .token .hf_token .secret "
    ".secrets .wandb_api_key .openai_api_key api_key.txt apikey.txt api_keys.json .envrc"
)
ENDS = (
    *(".pem", ".key", ".p12", ".pfx", ".jks", ".keystore", ".ppk", ".kdbx", ".asc", ".gpg", ".age", ".ovpn", ".netrc"),
)
FOLDERS = word_set(
    "secrets .secrets secret .secret credentials .credentials .ssh .aws .gnupg .azure .gcloud .docker .kube"
)
EXAMPLES = (".example", ".sample", ".template", ".dist", ".tmpl", ".j2")
SOURCES = (".py", ".md", ".rst", ".sh", ".js", ".ts", ".go", ".rs", ".ipynb", ".R", ".jl")


def is_secret_file(path: str, *, tracked: bool = False) -> bool:
    """Whether a file holds secrets by custom: `.env`, `.netrc`, `id_rsa`, `*.pem`, what lies in `secrets/`; its code and examples do not.

    Of files that git tracks only those that can be nothing else: the others are code, and searched for secrets as all of it is.
    """
    *folders, name = path.lower().split("/")
    if name.endswith(EXAMPLES) or name.endswith(".pub"):
        return False
    if (
        name == ".env"
        or name.startswith((".env.", "id_rsa", "id_ed25519"))
        or name.endswith(".env")
        or name in PLAIN_TEXT_NAMES
    ):
        return True
    if tracked:
        return False
    return name in NAMES or name.endswith(ENDS) or (bool(FOLDERS.intersection(folders)) and not path.endswith(SOURCES))
