"""Options that several commands share."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

import click

from scaffold.cli.common import output
from scaffold.errors import ScaffoldError

if TYPE_CHECKING:
    from scaffold.server.client import ServerClient
    from scaffold.workspace import Workspace

SERVER_HINT = "--server-url http://127.0.0.1:10000, or for good: scaffold update --set research_server_url=URL"
F = TypeVar("F", bound=Callable[..., Any])


def workspace_options(command: F) -> F:
    """--workdir and --root: which workspace a command is about."""
    workdir = click.option(
        "--workdir",
        type=click.Path(path_type=Path),
        default=".",
        help="The repository, or any folder of it. Default: here.",
    )
    root = click.option("--root", help="The experiment root, where there are several workspaces.")
    return workdir(root(command))


def json_option(command: F) -> F:
    """--json: answer with one object."""
    return click.option("--json", "json_output", is_flag=True, help="Answer with one JSON object.")(command)


def limit_option(command: F) -> F:
    """--limit: how long lists may be, 20 entries where nobody says."""
    return limit_option_with(output.DEFAULT_LIMIT)(command)


def limit_option_with(default: int) -> Callable[[F], F]:
    """--limit with another default, for a list that is read as a whole."""
    return click.option(
        "--limit",
        type=click.IntRange(min=0),
        default=default,
        show_default=True,
        metavar="N",
        help="At most N entries of each list (0: all).",
    )


def lines_option(default: int, help: str) -> Callable[[F], F]:
    """--lines: how much of a text."""
    return click.option(
        "--lines", type=click.IntRange(min=0), default=default, show_default=True, metavar="N", help=help
    )


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """`, did you mean 'runs list'?` where a word is near to a candidate; else nothing."""
    from scaffold.errors import suggest_spelling

    question = suggest_spelling(word, candidates, "", quote="'")
    return f", {question}" if question else ""


def refuse_options_before_subcommand(context: click.Context) -> None:
    """Refuse options that stand before a subcommand, where they would have no effect. Raises WrongUsage."""
    from scaffold.errors import WrongUsage

    default = click.core.ParameterSource.DEFAULT
    typed = [p for p in context.command.params if p.name and context.get_parameter_source(p.name) != default]
    if typed:
        option = typed[0].opts[0]
        raise WrongUsage(f"{option} stands before `{context.invoked_subcommand}`", hint="write it behind")


def find_requested_workspace(workdir: Path, root: str | None) -> Workspace:
    """The workspace that --workdir and --root name. Raises ScaffoldError when there is none, saying of what records are kept."""
    from scaffold import workspace as workspaces

    try:
        return workspaces.find_workspace(workdir, root)
    except ScaffoldError as error:
        if isinstance(error, workspaces.NoWorkspace) or _lacks_answers(workdir, root):
            from scaffold.runs.workspace_of_other_branch import explain_missing_workspace

            raise (explain_missing_workspace(workdir, root) or error) from error
        raise


def _lacks_answers(workdir: Path, root: str | None) -> bool:
    from scaffold.workspace import ANSWERS_FILE, is_path_accessible

    return root is not None and not is_path_accessible(workdir / root / ANSWERS_FILE)


def find_workspace_or_none(workdir: Path, root: str | None) -> Workspace | None:
    """As `find_workspace`, and None where there is none and --root names none."""
    from scaffold.workspace import NoWorkspace, find_workspace

    try:
        return find_workspace(workdir, root)
    except NoWorkspace:
        return None


class ServerOptions(NamedTuple):
    """Which research server is asked, with whose token, and how long one request may take (seconds)."""

    url: str | None = None
    token_file: Path | None = None
    timeout_s: float = 20.0


def server_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--server-url, --auth-token-file and --timeout, which the command gets as one `server_options`."""

    @functools.wraps(command)
    def with_server_options(
        *args: Any, server_url: str | None, auth_token_file: Path | None, timeout: float, **others: Any
    ) -> Any:
        return command(*args, server_options=ServerOptions(server_url, auth_token_file, timeout), **others)

    timeout = click.option(
        "--timeout",
        type=click.FloatRange(0, 3600, min_open=True),
        default=20.0,
        show_default=True,
        help="Seconds that one request may take.",
    )
    return _server_url_option(_token_file_option(timeout(with_server_options)))


def _server_url_option(command: F) -> F:
    return click.option(
        "--server-url", help="The research server; else $RESEARCH_AGENT_SERVER_URL, else the workspace's answer."
    )(command)


def _token_file_option(command: F) -> F:
    return click.option(
        "--auth-token-file",
        type=click.Path(path_type=Path, dir_okay=False),
        help="A file with its token; else $RESEARCH_AGENT_USER_AUTH_TOKEN.",
    )(command)


def server_backend_options(command: F) -> F:
    """--server-url and --auth-token-file, for a command whose backend may be the research server.

    What they say becomes the environment of this command and of what it leaves in the background, where everything else looks for it.
    """

    @functools.wraps(command)
    def with_server(*args: Any, server_url: str | None, auth_token_file: Path | None, **others: Any) -> Any:
        from scaffold.server import address

        values = {}
        if server_url is not None:
            values[address.URL_VARIABLE] = address.validate_server_url(server_url)
        if auth_token_file is not None:
            values[address.TOKEN_FILE_VARIABLE] = str(auth_token_file.absolute())
        before = {name: os.environ.get(name) for name in values}
        os.environ.update(values)
        try:
            return command(*args, **others)
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value

    return cast(F, _server_url_option(_token_file_option(with_server)))


def connect_server(workspace: Workspace | None, server_options: ServerOptions) -> ServerClient | None:
    """A client for the server that the options, the environment or the workspace name; None where none does.

    Warns where the token would go over the network in the clear. Raises ScaffoldError where URL or token cannot be, and where only the
    repository names the server that the token would go to.
    """
    from scaffold.server import address, trusted_servers
    from scaffold.server.client import make_server_client
    from scaffold.server.transport import RequestLimits

    url = address.resolve_url(server_options.url, workspace.answers if workspace is not None else {})
    if url is None:
        return None
    file, is_typed = server_options.token_file, server_options.url is not None
    try:
        token = trusted_servers.token_for_confirmed_server(url, file=file, is_typed=is_typed)
    except trusted_servers.UnconfirmedServer:
        if not _asks_to_confirm(url):
            raise
        trusted_servers.remember_trusted_server(url)
        token = address.read_auth_token(file)
    if token is not None and address.is_unencrypted(url):
        output.warn(f"the token goes to {url} unencrypted: anybody on the way can read it; use https, or an ssh tunnel")
    return make_server_client(url, token, limits=RequestLimits(total_s=server_options.timeout_s))


def _asks_to_confirm(url: str) -> bool:
    """Whether the user, asked on a terminal, says that the token may go to a server that the repository names."""
    context = click.get_current_context(silent=True)
    params = context.params if context is not None else {}
    if not output.may_prompt(yes=bool(params.get("yes")), json_output=bool(params.get("json_output"))):
        return False
    return click.confirm(
        f"This repository names the research server {url}. Send it your token?", default=False, err=True
    )


def connect_required_server(workspace: Workspace | None, server_options: ServerOptions) -> ServerClient:
    """As `connect_server`; raises ScaffoldError where none is named."""
    client = connect_server(workspace, server_options)
    if client is None:
        raise ScaffoldError("no research server is named", hint=SERVER_HINT)
    return client


def find_writable_workspace(workdir: Path, root: str | None) -> Workspace:
    """As `find_workspace`, for commands that change its files: git must be willing to work there, and no link lead out of it."""
    from scaffold.lifecycle import location_checks

    location_checks.check_workspace_location(workdir)
    workspace = find_requested_workspace(workdir, root)
    location_checks.check_experiment_root(workspace.workdir, workspace.root)
    return workspace
