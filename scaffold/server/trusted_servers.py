"""Which servers may get this user's token: those that the user named, and not a repository.

An answers file comes with a clone, and may name any server. So a token goes only to an origin (scheme, host and port) that the user gave
by hand, in $RESEARCH_AGENT_SERVER_URL or as an option, or confirmed once; that is kept in the user's own configuration directory.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from scaffold import structured_text
from scaffold.atomic_write import write_atomic
from scaffold.errors import ScaffoldError
from scaffold.server import address

DEFAULT_PORTS = {"http": 80, "https": 443}


class UnconfirmedServer(ScaffoldError):
    """The token would go to a server that only the repository names."""

    def __init__(self, url: str) -> None:
        super().__init__(
            f"the token is not sent to {server_origin(url)}, which the workspace's answers name: they come with the repository",
            hint=f"if it is your server: scaffold update --set research_server_url={shlex.quote(url)}",
        )


def server_origin(url: str) -> str:
    """The origin of a URL, `scheme://host:port`; one host spelled in two ways may have two, which is the safe side."""
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    port = parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def token_for_confirmed_server(
    url: str, *, file: Path | None = None, is_typed: bool = False, environment: Mapping[str, str] = os.environ
) -> str | None:
    """The token for the server at `url`; None where there is none. `is_typed`: the user named that server to this very command.

    Raises UnconfirmedServer where there is one and nobody confirmed the server, and ScaffoldError as `address.read_auth_token` does.
    """
    token = address.read_auth_token(file, environment)
    if token is None or is_typed or is_server_confirmed(url, environment):
        return token
    raise UnconfirmedServer(url)


def is_server_confirmed(url: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the environment names the server's origin, or the user confirmed it before."""
    named = environment.get(address.URL_VARIABLE)
    origins = _read_origins(_origins_file(environment))
    try:
        if named:
            origins = [*origins, server_origin(named)]
        return server_origin(url) in origins
    except ValueError:
        return False


def remember_trusted_server(url: str, environment: Mapping[str, str] = os.environ) -> None:
    """Remember that this user's token may go to the server at `url`. Raises ScaffoldError where that cannot be kept."""
    file, origin = _origins_file(environment), server_origin(url)
    origins = _read_origins(file)
    if origin in origins:
        return
    otherwise = f"name the server in the environment: export {address.URL_VARIABLE}={shlex.quote(url)}"
    if file is None:
        raise ScaffoldError("there is no home directory to keep in that the token may go there", hint=otherwise)
    text = json.dumps({"version": 1, "origins": sorted({*origins, origin})}, indent=2) + "\n"
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomic(file, text.encode(), mode=0o600)
    except OSError as error:
        raise ScaffoldError(
            f"that the token may go to {origin} cannot be kept in {file}: {error.strerror or error}", hint=otherwise
        ) from error


def _origins_file(environment: Mapping[str, str]) -> Path | None:
    home = environment.get("HOME")
    folder = environment.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else "")
    return Path(folder, "experiment-scaffold", "servers.json") if folder.startswith("/") else None


def _read_origins(file: Path | None) -> list[str]:
    """What was confirmed; nothing where the file is missing, or says something else."""
    try:
        origins = structured_text.parse_json(file.read_bytes())["origins"] if file is not None else []
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [origin for origin in origins if isinstance(origin, str)] if isinstance(origins, list) else []
