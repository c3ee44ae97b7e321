"""Promise: a clone chooses neither where the token goes nor what is fetched. Servers on loopback count what they are sent."""

from __future__ import annotations

import http.server
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from scaffold.errors import ScaffoldError
from scaffold.server import address, trusted_servers
from scaffold.server.client import make_server_client
from scaffold.server.transport import RequestLimits
from scaffold.sweeps.launch import run_scripts
from scaffold.workspace import load_workspace
from tests.conftest import MakeRepo, Run, write_tree
from tests.runs.conftest import settings, write_workspace

TOKEN = "their-very-own-token"
QUICK = RequestLimits(connect_s=2, total_s=2, retries=0)


class Listener(http.server.ThreadingHTTPServer):
    """A server that notes the token of each request, and answers with `status` and `target`."""

    daemon_threads = True

    def __init__(self) -> None:
        self.tokens: list[str | None] = []
        self.connections = 0
        self.status, self.target = 200, ""
        super().__init__(("127.0.0.1", 0), Answer)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def get_request(self) -> tuple[object, object]:  # type: ignore[override]
        self.connections += 1
        return super().get_request()


class Answer(http.server.BaseHTTPRequestHandler):
    server: Listener

    def do_GET(self) -> None:
        self.server.tokens.append(self.headers.get("X-Auth-Token"))
        body = b"{}"
        self.send_response(self.server.status)
        if self.server.target:
            self.send_header("Location", self.server.target)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Listener]:
    """The user's own, whose origin is confirmed."""
    with Listener() as listener:
        trusted_servers.remember_trusted_server(listener.url)
        yield listener
        listener.shutdown()


@pytest.fixture
def trap() -> Iterator[Listener]:
    """Somebody else's."""
    with Listener() as listener:
        yield listener
        listener.shutdown()


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(address.TOKEN_VARIABLE, TOKEN)


def answers(repo: Path, **more: str) -> None:
    """Put answers into the answers file, as whoever made the repository would."""
    file = repo / "exp/.copier-answers.scaffold.yml"
    lines = [line for line in file.read_text().splitlines() if line.partition(":")[0] not in more]
    file.write_text("\n".join([*lines, *(f"{name}: {json.dumps(value)}" for name, value in more.items())]) + "\n")


@pytest.fixture
def repo(make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a workspace; the working directory."""
    root = make_repo({"train.py": "import os\nprint('loss: 1', os.environ.get('RUN_SEED'))\n"})
    write_workspace(root, settings())
    answers(root, research_server_url="", experiment_goal="g")
    monkeypatch.chdir(root)
    return root


# OWN and TRAP stand for the two servers' ports
ELSEWHERE = {
    "another port": "http://127.0.0.1:TRAP",
    "another name of the same machine": "http://localhost:OWN",
    "another address of the same machine": "http://127.0.0.2:OWN",
    "any address of the same machine": "http://0.0.0.0:OWN",
    "a short address": "http://127.1:OWN",
    "an address as one number": "http://2130706433:OWN",
    "an address in hexadecimal": "http://0x7f.0.0.1:OWN",
    "the newer protocol's address": "http://[::1]:OWN",
    "an address within the newer protocol's": "http://[::ffff:127.0.0.1]:OWN",
    "another scheme": "https://127.0.0.1:OWN",
    "no port": "http://127.0.0.1",
    "the own server as a user": "http://127.0.0.1:OWN@127.0.0.1:TRAP",
    "the own server before a fragment": "http://127.0.0.1:TRAP#@127.0.0.1:OWN",
    "the own server before a query": "http://127.0.0.1:TRAP?@127.0.0.1:OWN",
    "the own server before a backslash": "http://127.0.0.1:TRAP\\@127.0.0.1:OWN",
    "the own server as a path": "http://127.0.0.1:TRAP/http://127.0.0.1:OWN",
    "the own server as a subdomain": "http://127.0.0.1.example:OWN",
    "a port that goes on": "http://127.0.0.1:OWN0",
    "other digits": "http://\u2460\u2461\u2466.0.0.1:OWN",
    "other full stops": "http://127\u30020\u30020\u30021:OWN",
    "digits of another script in the port": "http://127.0.0.1:\u0661\u0662",
    "a percent sign in the host": "http://127.0.0.1%2f:OWN",
    "a tab in the host": "http://127.0\t.0.1:TRAP",
    "a line break": "http://127.0.0.1:OWN\n.example",
    "no scheme": "//127.0.0.1:OWN",
    "a scheme in a scheme": "http:http://127.0.0.1:OWN",
    "a scheme that carries another": "http+unix://127.0.0.1:OWN",
    "a file": "file://127.0.0.1:OWN/etc/passwd",
}
THE_SAME = (
    "http://127.0.0.1:OWN",
    "http://127.0.0.1:OWN/",
    "HTTP://127.0.0.1:OWN",
    "http://127.0.0.1.:OWN",
    "http://127.0.0.1:OWN/api",
)


def ports(url: str, server: Listener, trap: Listener) -> str:
    return url.replace("OWN", str(server.server_address[1])).replace("TRAP", str(trap.server_address[1]))


@pytest.mark.parametrize("member", ELSEWHERE)
def test_no_token_for_an_origin_that_nobody_confirmed(member: str, server: Listener, trap: Listener) -> None:
    with pytest.raises(ScaffoldError) as caught:
        trusted_servers.token_for_confirmed_server(address.validate_server_url(ports(ELSEWHERE[member], server, trap)))
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("url", THE_SAME)
def test_the_token_goes_to_the_confirmed_origin(url: str, server: Listener, trap: Listener) -> None:
    assert trusted_servers.token_for_confirmed_server(address.validate_server_url(ports(url, server, trap))) == TOKEN


@pytest.mark.parametrize(
    "command",
    ["preflight", "playbook", "server status", "server events", "runs audit --server", "results --server", "brief"],
)
def test_a_command_sends_no_token_where_only_the_repository_says_so(
    command: str, repo: Path, run: Run, trap: Listener
) -> None:
    answers(repo, research_server_url=trap.url)
    done = run(*command.split())
    assert trap.tokens == [], done.output
    if command != "brief":
        assert done.exit_code == 1, done.output
        assert f"scaffold update --set research_server_url={trap.url}" in done.stderr


def test_the_line_that_a_refusal_prints_confirms(repo: Path, run: Run, trap: Listener) -> None:
    answers(repo, research_server_url=trap.url)
    refusal = run("server", "status").stderr
    line = next(part for part in refusal.splitlines() if part.startswith("hint:")).partition("scaffold ")[2]
    run(*line.split())
    run("server", "status")
    assert set(trap.tokens) == {TOKEN}
    file = Path(os.environ["XDG_CONFIG_HOME"], "experiment-scaffold/servers.json")
    assert (json.loads(file.read_text())["origins"], file.stat().st_mode & 0o777) == ([trap.url], 0o600)


def test_what_is_typed_is_confirmed_by_that(
    repo: Path, run: Run, trap: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("server", "status", "--server-url", trap.url)
    assert set(trap.tokens) == {TOKEN} and not trusted_servers.is_server_confirmed(trap.url), "for this command alone"
    monkeypatch.setenv(address.URL_VARIABLE, trap.url)
    assert trusted_servers.is_server_confirmed(trap.url)


def test_init_with_a_server_confirms_it(make_repo: MakeRepo, run: Run) -> None:
    other = make_repo({"train.py": "print(1)\n"}, name="other")
    assert run("init", "--workdir", other, "--yes", "--dry-run", "--server-url", "http://127.0.0.1:9").exit_code == 0
    assert not trusted_servers.is_server_confirmed("http://127.0.0.1:9")
    assert run("init", "--workdir", other, "--yes", "--server-url", "http://127.0.0.1:9").exit_code == 0
    assert trusted_servers.is_server_confirmed("http://127.0.0.1:9")
    assert not trusted_servers.is_server_confirmed("http://127.0.0.1:10")


@pytest.mark.parametrize("content", ["", "[", "{}", '{"origins": "http"}', '{"origins": [1, ["http"]]}', "[" * 9000])
def test_settings_that_cannot_be_read_confirm_nothing(content: str, trap: Listener) -> None:
    write_tree(Path(os.environ["XDG_CONFIG_HOME"]), {"experiment-scaffold/servers.json": content})
    assert not trusted_servers.is_server_confirmed(trap.url)
    trusted_servers.remember_trusted_server(trap.url)
    assert trusted_servers.is_server_confirmed(trap.url)


def test_where_it_cannot_be_kept_the_variable_is_named(trap: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "/proc/none")
    with pytest.raises(ScaffoldError) as caught:
        trusted_servers.remember_trusted_server(trap.url)
    assert f"export {address.URL_VARIABLE}={trap.url}" in str(caught.value)


def test_launchers_name_the_server_where_it_is_confirmed(repo: Path, server: Listener, trap: Listener) -> None:
    answers(repo, research_server_url=trap.url)
    assert run_scripts._server_script(load_workspace(repo, "exp")) == ""
    answers(repo, research_server_url=server.url)
    assert f"export {address.URL_VARIABLE}={server.url}" in run_scripts._server_script(load_workspace(repo, "exp"))


def test_a_launch_sends_no_token(repo: Path, run: Run, trap: Listener) -> None:
    answers(repo, research_server_url=trap.url)
    run("sweep", "new", "s", "--goal", "g", "--seeds", "1", "--", "python3", "train.py")
    done = run("sweep", "launch", "s", "--yes")
    assert (done.exit_code, trap.connections) == (1, 0) and "research_server_url" in done.stderr, done.output


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("target", ["TRAP", "//127.0.0.1:PORT", "TRAP/health"])
def test_a_redirect_is_not_followed(status: int, target: str, server: Listener, trap: Listener) -> None:
    server.status = status
    server.target = target.replace("TRAP", trap.url).replace("PORT", str(trap.server_address[1]))
    with make_server_client(server.url, trusted_servers.token_for_confirmed_server(server.url), limits=QUICK) as client:
        with pytest.raises(ScaffoldError, match="not followed"):
            client.health()
        with pytest.raises(ScaffoldError, match="not followed"):
            client.create_sweep("s", goal="g", session_id=None)
    assert (server.tokens, trap.connections) == ([TOKEN, TOKEN], 0)


SOURCES = {
    "http": "http://127.0.0.1:TRAP/x.git",
    "http, in capitals": "HTTP://127.0.0.1:TRAP/x.git",
    "http, by name": "http://localhost:TRAP/x.git",
    "http with a user": "http://user@127.0.0.1:TRAP/x.git",
    "https": "https://127.0.0.1:TRAP/x.git",
    "git's own protocol": "git://127.0.0.1:TRAP/x.git",
    "ssh": "ssh://127.0.0.1:TRAP/x.git",
    "ssh, as scp writes it": "127.0.0.1:x.git",
    "ssh with a user": "git@127.0.0.1:x.git",
    "a helper": "http::http://127.0.0.1:TRAP/x.git",
    "a command": "ext::sh -c 'touch hacked'",
    "a file by address": "file:///proc/self/root",
    "ftp": "ftp://127.0.0.1:TRAP/x.git",
}


@pytest.mark.parametrize("member", SOURCES)
def test_status_fetches_no_template(member: str, repo: Path, run: Run, trap: Listener) -> None:
    answers(repo, _src_path=ports(SOURCES[member], trap, trap), _commit="v99.0.0")
    for command in ("status", "update --check"):
        done = run(*command.split())
        assert (done.exit_code, trap.connections) == (1, 0), done.output
    assert not (repo / "hacked").exists()


@pytest.mark.parametrize(
    "command",
    [
        "update",
        "update --to v99.0.0",
        "update --detect",
        "init --yes",
        "remove --yes",
        "playbook",
        "brief",
        "plan check",
    ],
)
def test_no_command_fetches_what_it_was_not_told_to(command: str, repo: Path, run: Run, trap: Listener) -> None:
    answers(repo, _src_path=f"{trap.url}/x.git", _commit="v99.0.0")
    done = run(*command.split())
    assert trap.connections == 0, done.output


def test_an_update_that_is_told_fetches(repo: Path, run: Run, trap: Listener) -> None:
    answers(repo, _src_path=f"{trap.url}/x.git", _commit="v99.0.0")
    hint = next(line for line in run("update").stderr.splitlines() if line.startswith("hint:"))
    assert hint.endswith(f"scaffold update --template {trap.url}/x.git")
    run("update", "--template", f"{trap.url}/x.git")
    assert trap.connections > 0
