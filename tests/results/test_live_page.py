"""The live page over HTTP: only for who has its key, only to be read, fresh, and with no file that is none of the workspace's."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from scaffold.errors import ScaffoldError
from scaffold.results.live import page_server
from scaffold.results.live.live_report import make_report_server
from scaffold.results.live.page_feed import ReportPageFeed
from scaffold.results.live.page_server import PageServer
from scaffold.results.live.record_changes import read_records_stamp
from tests.conftest import Run, write_tree
from tests.results.conftest import Study

Answer = tuple[int, dict[str, str], bytes]


@pytest.fixture
def server(study: Study) -> Iterator[PageServer]:
    """A page of one run, which is looked at fifty times a second."""
    study.add("baseline", 1, metrics={"acc": 0.5})
    made = make_report_server(study.workspace, interval_s=0.02)
    with made.running():
        yield made


def ask(server: PageServer, place: str, *, method: str = "GET", host: str | None = None) -> Answer:
    """The answer to a request for a place below the key (or, with a slash, below the server)."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    try:
        path = place if place.startswith("/") else f"/{server.key}/{place}"
        connection.request(method, path, headers={"Host": host or f"127.0.0.1:{server.server_port}"})
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        connection.close()


@contextlib.contextmanager
def stream(server: PageServer) -> Iterator[http.client.HTTPResponse]:
    """The answer to who listens for versions."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.request("GET", f"/{server.key}/events")
    with contextlib.closing(connection), connection.getresponse() as answer:
        yield answer


def test_the_page_is_the_report_with_addresses_of_its_files(server: PageServer, study: Study) -> None:
    status, headers, body = ask(server, "")
    assert status == 200 and headers["content-type"] == "text/html; charset=utf-8" and b"baseline" in body
    assert headers["cache-control"] == "no-store" and headers["x-frame-options"] == "DENY"
    assert b'href="files/exp/metadata/' in body and b"connect-src 'self'" in body
    assert ask(server, "", method="HEAD")[::2] == (200, b"")
    assert ask(server, "version")[2] == b"1"


@pytest.mark.parametrize(
    "place", ["/", "/wrong/", "/wrong/version", "/favicon.ico", "nothing", "files", "files/", "//", "/../"]
)
def test_without_the_key_or_elsewhere_there_is_nothing(server: PageServer, place: str) -> None:
    assert ask(server, place)[0] == 404


def test_the_key_without_its_slash_is_no_page(server: PageServer) -> None:
    assert ask(server, f"/{server.key}")[0] == 404


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:80", "0.0.0.0"])
def test_another_name_that_leads_here_gets_nothing(server: PageServer, host: str) -> None:
    assert ask(server, "", host=host)[0] == 404
    assert ask(server, "", host=f"localhost:{server.server_port}")[0] == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_nothing_can_be_changed(server: PageServer, method: str) -> None:
    assert ask(server, "", method=method)[0] == 501


def test_it_listens_on_loopback_alone(server: PageServer) -> None:
    assert server.server_address[0] == "127.0.0.1" and urlsplit(server.url).hostname == "127.0.0.1"
    assert len(server.key) >= 24


FILES = {
    "exp/logs/a.out": (b"said <b>\n", "text/plain; charset=utf-8"),
    "exp/outputs/r/plot.svg": (b"<svg onload=alert(1)>", "text/plain; charset=utf-8"),
    "exp/outputs/r/page.html": (b"<script>1</script>", "text/plain; charset=utf-8"),
    "exp/outputs/r/plot.png": (b"\x89PNG", "image/png"),
    "exp/outputs/r/model.pt": (b"\0\1", "application/octet-stream"),
    "exp/results/a b%.csv": (b"a,b\n", "text/plain; charset=utf-8"),
    "exp/tasks.md": (b"# Tasks\n", "text/plain; charset=utf-8"),
}


@pytest.mark.parametrize("path", FILES)
def test_files_behind_numbers_are_shown_as_what_they_are(server: PageServer, study: Study, path: str) -> None:
    content, media_type = FILES[path]
    write_tree(study.root, {path: content})
    status, headers, body = ask(server, "files/" + path.replace("%", "%25").replace(" ", "%20"))
    assert (status, headers["content-type"], body) == (200, media_type, content)
    assert headers["content-security-policy"].startswith("sandbox")
    assert ("content-disposition" in headers) is (media_type == "application/octet-stream")


def test_no_other_file_is_shown(server: PageServer, study: Study, tmp_path: Path) -> None:
    write_tree(
        study.root, {"secret.env": "x", ".git/config": "x", "exp/scripts/a.py": "x", "exp/logs/.git/config": "x"}
    )
    write_tree(tmp_path, {"outside.txt": "x"})
    (study.root / "exp/logs/loop").symlink_to("loop")
    places = [
        "secret.env", ".git/config", "exp/scripts/a.py", "exp/.copier-answers.scaffold.yml", "../outside.txt", "exp/logs",
        "exp/logs/../../secret.env", "exp/logs/%2e%2e/%2e%2e/secret.env", "/etc/passwd", "//etc/passwd", "exp/logs/a%00.out",
        "exp/logs/loop", "exp/logs/none.out", "exp/logs/.git/config",
    ]  # fmt: skip
    assert {place: ask(server, f"files/{place}")[0] for place in places} == dict.fromkeys(places, 404)


def test_a_link_of_the_repository_that_leads_out_is_not_followed(
    server: PageServer, study: Study, tmp_path: Path
) -> None:
    write_tree(tmp_path, {"outside.txt": "x"})
    (study.root / "exp/logs").mkdir(exist_ok=True)
    (study.root / "exp/logs/a.out").symlink_to(tmp_path / "outside.txt")
    git = ["git", "-C", str(study.root)]
    for command in (["init", "-q"], ["add", "exp/logs/a.out"]):
        subprocess.run([*git, *command], check=True, capture_output=True)
    assert ask(server, "files/exp/logs/a.out")[0] == 404


def test_a_new_run_is_told_to_who_listens(server: PageServer, study: Study) -> None:
    with stream(server) as answer:
        assert answer.status == 200 and answer.getheader("Content-Type") == "text/event-stream"
        assert answer.readline() == b"data: 1\n"
        study.add("wide", 1, metrics={"acc": 0.75})
        assert answer.readline() == b"\n" and answer.readline().startswith(b"data: ")
    assert b"wide" in ask(server, "")[2] and int(ask(server, "version")[2]) > 1


def test_a_stream_on_which_nothing_happens_beats(server: PageServer) -> None:
    server.heartbeat_s = 0.05
    with stream(server) as answer:
        lines = [answer.readline() for _ in range(4)]
    assert lines == [b"data: 1\n", b"\n", b": nothing new\n", b"\n"]


def test_who_comes_when_too_many_listen_is_told_so(server: PageServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(page_server.MOST_STREAMS):
        assert server.streams.acquire(blocking=False)
    with stream(server) as answer:
        assert answer.status == 503
    server.streams.release()
    with stream(server) as answer:
        assert answer.status == 200


def test_streams_end_with_the_server(study: Study) -> None:
    server = make_report_server(study.workspace, interval_s=0.02)
    with contextlib.ExitStack() as stack:
        with server.running():
            answer = stack.enter_context(stream(server))
            answer.readline()
        assert answer.read() in (b"\n", b"")


def test_what_a_report_tells_of_changes_the_mark(study: Study) -> None:
    name = study.add("baseline", 1, status="running")
    write_tree(study.root, {f"exp/metadata/.live/{name}.json": "{}", f"exp/outputs/{name}/metrics.jsonl": "{}\n"})
    seen = read_records_stamp(study.workspace)
    assert read_records_stamp(study.workspace) == seen
    for path in (
        "metadata/new.json",
        "metadata/sweeps/a.yml",
        "tasks.md",
        f"outputs/{name}/metrics.jsonl",
        f"logs/{name}.out",
    ):
        write_tree(study.root, {f"exp/{path}": f"more of {path}"})
        assert read_records_stamp(study.workspace) != seen, path
        seen = read_records_stamp(study.workspace)
    write_tree(study.root, {"train.py": "1", "exp/outputs/over/metrics.jsonl": "1", "exp/metadata/.7.tmp": "1"})
    assert read_records_stamp(study.workspace) == seen


def test_a_page_that_cannot_be_made_leaves_the_one_before() -> None:
    texts: list[int] = []
    trouble: list[str] = []

    def render(number: int) -> bytes:
        texts.append(number)
        if len(texts) == 2:
            raise ScaffoldError("the answers are gone")
        return b"page %d" % number

    marks = iter([0, 1, 1, 1])
    feed = ReportPageFeed(render, lambda: next(marks), warn=trouble.append)
    feed.look()
    assert feed.page.html == b"page 1" and trouble == ["the page is as it was: the answers are gone"]
    feed.look()
    assert (feed.page.number, feed.page.html) == (2, b"page 2")
    feed.look()
    assert feed.page.number == 2, "nothing has changed"


def test_a_port_that_is_taken_is_said(server: PageServer, study: Study) -> None:
    with pytest.raises(ScaffoldError, match="cannot be listened on"):
        make_report_server(study.workspace, port=server.server_port)


@pytest.mark.parametrize(
    "args", [("--serve", "--md"), ("--serve", "--out", "a.html"), ("--serve", "--check", "a.md"), ("--port", "8000")]
)
def test_options_that_do_not_go_together(run: Run, study: Study, args: tuple[str, ...]) -> None:
    done = run("report", *args, "--workdir", study.root)
    assert done.exit_code == 2 and "--serve" in done.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_it_is_interrupted(study: Study, number: int) -> None:
    command = [sys.executable, "-m", "scaffold", "report", "--serve", "--json", "--workdir", str(study.root)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        text = ""
        while not text.endswith("}\n"):
            line = process.stdout.readline()
            assert line, process.stderr.read()
            text += line
        url = urlsplit(json.loads(text)["url"])
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", url.port or 0, timeout=10)) as connection:
            connection.request("GET", url.path)
            assert connection.getresponse().status == 200
        began = time.monotonic()
        process.send_signal(number)
        assert process.wait(timeout=20) == (0 if number == signal.SIGINT else -number)
        assert process.stderr.read() == "" and time.monotonic() - began < 10
