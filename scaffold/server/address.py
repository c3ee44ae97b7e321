"""Which research server is meant, and the token that it wants: option, environment, workspace, in this order."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from scaffold.errors import ScaffoldError, WrongUsage

URL_VARIABLE = "RESEARCH_AGENT_SERVER_URL"
TOKEN_VARIABLE = "RESEARCH_AGENT_USER_AUTH_TOKEN"
# a file with it, for whoever goes on with what a command with --auth-token-file began (a pacer in the background)
TOKEN_FILE_VARIABLE = "RESEARCH_AGENT_AUTH_TOKEN_FILE"
TOKEN_BYTES = 8_192


def resolve_url(
    option: str | None, answers: Mapping[str, Any], environment: Mapping[str, str] = os.environ
) -> str | None:
    """The server's URL without a trailing slash; None where nobody names one.

    `option` is `--server-url`, then comes $RESEARCH_AGENT_SERVER_URL, then the workspace's answer. An empty option says "none".
    Raises WrongUsage where it is no http URL, or carries a user, a password, a query or a fragment.
    """
    sources = {
        "--server-url": option,
        f"${URL_VARIABLE}": environment.get(URL_VARIABLE) or None,
        "research_server_url in the workspace's answers": str(answers.get("research_server_url") or "") or None,
    }
    source, url = next(((name, value) for name, value in sources.items() if value is not None), ("", ""))
    return validate_server_url(url.strip(), source) or None


def validate_server_url(url: str, source: str = "--server-url") -> str:
    """The research server's URL without a trailing slash; `source` names where it comes from.

    Raises WrongUsage when it is none, or carries a secret.
    """
    try:
        parts = urlsplit(url)
        is_http = not url or (parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0)
        (parts.hostname or "").encode("idna")  # as it is looked up: no label is empty or longer than 63 letters
    except ValueError:
        raise WrongUsage(f"{source} is not an http URL", hint="http://127.0.0.1:10000, for instance") from None
    if not is_http or re.search(r"[\s\x00-\x1f\x7f\ud800-\udfff]", url):
        raise WrongUsage(f"{source} is not an http URL", hint="http://127.0.0.1:10000, for instance")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise WrongUsage(
            f"{source} carries a user, password, query or fragment, and answers are kept in git",
            hint="give http://host:port; the token goes into $RESEARCH_AGENT_USER_AUTH_TOKEN",
        )
    return url.rstrip("/")


def require_url(answers: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> str:
    """As `resolve_url`, where there is no option; raises ScaffoldError where nobody names a server."""
    url = resolve_url(None, answers, environment)
    if url is None:
        raise ScaffoldError(
            "this workspace knows no research server",
            hint=f"name it for good, scaffold update --set research_server_url=URL, or in ${URL_VARIABLE}",
        )
    return url


def read_auth_token(file: Path | None, environment: Mapping[str, str] = os.environ) -> str | None:
    """The token from `file`, else from the file that the environment names, else from the environment.

    None where there is none, and the server is asked without one.

    White space around it is no part of it (no header could carry it). Raises ScaffoldError, which never shows the token,
    where the file cannot be read and where the token cannot be sent.
    """
    source, text = f"${TOKEN_VARIABLE}", environment.get(TOKEN_VARIABLE, "")
    if file is None and environment.get(TOKEN_FILE_VARIABLE):
        file = Path(environment[TOKEN_FILE_VARIABLE])
    if file is not None:
        source = f"the token file {file}"
        try:
            with file.open("rb") as opened:
                text = opened.read(TOKEN_BYTES + 1).decode("utf-8", "replace")
        except OSError as error:
            raise ScaffoldError(f"{source} cannot be read: {error.strerror}") from error
    text = text.strip()
    if file is not None and not text:
        raise ScaffoldError(f"{source} is empty", hint="leave --auth-token-file out where the server wants no token")
    if len(text) > TOKEN_BYTES or not all("!" <= letter <= "~" for letter in text):
        raise ScaffoldError(
            f"{source} holds no token: it is too long, or has a line break, a space or a letter outside ASCII in it",
            hint="one line with the token and nothing else",
        )
    return text or None


def is_loopback(address: str) -> bool:
    """Whether a URL leads to this machine itself."""
    host = (urlsplit(address).hostname or "").rstrip(".").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    if not is_ip_address(host):
        return False
    number = ipaddress.ip_address(host)
    return number.is_loopback or number.is_unspecified


def is_ip_address(host: str) -> bool:
    """Whether a host is an IP address, which nobody has to look up."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def find_proxy_url(address: str) -> str | None:
    """The proxy that the environment names for a URL; None for this machine itself, whatever the environment says."""
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(address)
    if is_loopback(address) or proxy_bypass(parts.hostname or ""):
        return None
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    return proxy if proxy is None or "://" in proxy else f"http://{proxy}"


def is_unencrypted(address: str) -> bool:
    """Whether a token sent there could be read on the way."""
    return urlsplit(address).scheme == "http" and not is_loopback(address)
