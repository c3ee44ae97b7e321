"""The live page over HTTP, for a browser on this machine: only for who knows the key in its address, and only to be read.

A page that is shown by a browser may be asked for by any other page that is open there, and by any user of the machine. So the address
holds a key, the `Host` must be this server (another name that leads here is an attack by DNS), nothing can be changed, and no other
page is told anything (no CORS, no referrer, no frames).
"""

from __future__ import annotations

import contextlib
import hmac
import secrets
import shutil
import sys
import threading
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from scaffold.errors import ScaffoldError
from scaffold.results.live.page_feed import ReportPageFeed
from scaffold.results.live.served_files import locate_served_file
from scaffold.workspace import Workspace

LOOPBACK = "127.0.0.1"
FILES = "files/"
EVENTS, VERSION = "events", "version"

# each open page holds one stream; who comes later asks now and then
MOST_STREAMS = 32
# a proxy, or a browser in an energy-saving mode, drops a stream on which nothing comes
HEARTBEAT_S = 15.0
HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class PageServer(ThreadingHTTPServer):
    """Serves one workspace's page below a random key; `url` is what a browser is given."""

    daemon_threads = True

    def __init__(
        self, workspace: Workspace, feed: ReportPageFeed, *, port: int = 0, heartbeat_s: float = HEARTBEAT_S
    ) -> None:
        """Listen on loopback; port 0 is one that is free. Raises ScaffoldError where the port cannot be had."""
        self.workspace = workspace
        self.feed = feed
        self.heartbeat_s = heartbeat_s
        self.key = secrets.token_urlsafe(18)
        self.streams = threading.Semaphore(MOST_STREAMS)
        try:
            super().__init__((LOOPBACK, port), PageHandler)
        except OSError as error:
            raise ScaffoldError(
                f"port {port} of {LOOPBACK} cannot be listened on: {error.strerror}",
                hint="leave --port out: one that is free",
            ) from error

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that goes away in the middle is nothing to speak of; anything else is a bug, with its traceback."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{LOOPBACK}:{self.server_port}/{self.key}/"

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Serve, and keep the page fresh, in threads of their own."""
        watch = threading.Thread(target=self.feed.run, daemon=True)
        watch.start()
        with self.serving():
            yield

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        """Serve the page as the feed has it."""
        threading.Thread(target=self._serve, daemon=True).start()
        try:
            yield
        finally:
            self.feed.close()
            self.shutdown()
            self.server_close()

    def _serve(self) -> None:
        self.serve_forever(poll_interval=0.05)  # how long Ctrl-C takes


class PageHandler(BaseHTTPRequestHandler):
    """One request: the page, its version, the stream of versions, or a file behind a number."""

    server: PageServer
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self) -> None:
        """Answer."""
        with contextlib.suppress(BrokenPipeError, ConnectionError, TimeoutError):
            self._answer()

    do_HEAD = do_GET

    def _answer(self) -> None:
        hosts = {f"{name}:{self.server.server_port}" for name in (LOOPBACK, "localhost")}
        _, _, rest = urlsplit(self.path).path.partition("/")
        key, slash, place = rest.partition("/")
        if (
            self.headers.get("Host") not in hosts
            or not slash
            or not hmac.compare_digest(key.encode(), self.server.key.encode())
        ):
            self._send(b"not found\n", status=HTTPStatus.NOT_FOUND)
        elif place == "":
            self._send(self.server.feed.page.html, media_type="text/html; charset=utf-8")
        elif place == VERSION:
            self._send(str(self.server.feed.page.number).encode())
        elif place == EVENTS:
            self._stream()
        elif place.startswith(FILES):
            self._send_file(unquote(place.removeprefix(FILES), errors="surrogateescape"))
        else:
            self._send(b"not found\n", status=HTTPStatus.NOT_FOUND)

    def _send(
        self, body: bytes, *, status: HTTPStatus = HTTPStatus.OK, media_type: str = "text/plain; charset=utf-8"
    ) -> None:
        self._send_head(status, {"Content-Type": media_type, "Content-Length": str(len(body))})
        if self.command != "HEAD":
            self.wfile.write(body)

    def _send_head(self, status: HTTPStatus, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**HEADERS, **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def _send_file(self, address: str) -> None:
        served = locate_served_file(self.server.workspace, address)
        try:
            file = served.path.open("rb") if served else None
        except OSError:
            file = None
        if served is None or file is None:
            self._send(b"there is no such file among the records of this workspace\n", status=HTTPStatus.NOT_FOUND)
            return
        # a log grows while it is read: its end is the end of this answer
        headers = {
            "Content-Type": served.media_type,
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "Connection": "close",
        }
        if served.is_download:
            headers["Content-Disposition"] = "attachment"
        self.close_connection = True
        with file:
            self._send_head(HTTPStatus.OK, headers)
            if self.command != "HEAD":
                shutil.copyfileobj(file, self.wfile)

    def _stream(self) -> None:
        """Server-sent events: the version of the page, now and whenever there is another; a comment where nothing happens for long."""
        if not self.server.streams.acquire(blocking=False):
            self._send(b"too many pages are open: ask for the version\n", status=HTTPStatus.SERVICE_UNAVAILABLE)
            return
        self.close_connection = True
        try:
            self._send_head(HTTPStatus.OK, {"Content-Type": "text/event-stream", "Connection": "close"})
            number = 0
            while self.command != "HEAD":
                page = self.server.feed.wait_for_other(number, self.server.heartbeat_s)
                if self.server.feed.is_closed:
                    break
                number = page.number if page else number
                self.wfile.write(f"data: {number}\n\n".encode() if page else b": nothing new\n\n")
                self.wfile.flush()
        finally:
            self.server.streams.release()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the terminal is the user's."""
