"""HTTP within limits: one connection a request, a deadline that holds for headers and body alike, a size that is never exceeded.

The only module that imports httpx at its top; import it inside the function that connects.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import dataclass
from typing import Any

import httpx  # noqa: TID251 - this module is the door
from httpx_retries import Retry, RetryTransport

from scaffold.errors import ScaffoldError
from scaffold.server import address
from scaffold.server.errors import InvalidResponse

MANY = 429
RETRIED = frozenset({MANY, *range(500, 600)})


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLimits:
    """How long and how much: seconds for connecting, seconds for one try of a request, tries after the first, back-off, bytes."""

    connect_s: float = 5.0
    total_s: float = 20.0
    retries: int = 2
    backoff_s: float = 0.2
    max_bytes: int = 10_000_000


def http_client(url: str, limits: RequestLimits) -> httpx.Client:
    """An httpx client for one server: GETs are tried again after connection errors, 429 and 5xx, nothing else ever is.

    Redirects are not followed (a token must not follow one), no answer is unpacked, no .netrc and no proxy for loopback is used.
    A connection is used once: after an error the server closes a kept one, and a request lost on it could have been carried out.
    Raises ScaffoldError where the environment's certificates or proxy cannot be used.
    """
    proxy = address.find_proxy_url(url)
    try:
        inner = httpx.HTTPTransport(
            verify=not url.lower().startswith("http:"),  # loading certificates takes longer than a plain request
            proxy=proxy,
            limits=httpx.Limits(max_keepalive_connections=0),
        )
    except (ImportError, ValueError, OSError, httpx.InvalidURL) as error:
        what = "certificates or the proxy" if proxy else "certificates"
        raise ScaffoldError(
            f"the {what} that the environment names cannot be used: {type(error).__name__}",
            hint="look at SSL_CERT_FILE, SSL_CERT_DIR, and the variables that end in _proxy",
        ) from error
    retry = Retry(
        total=limits.retries,
        allowed_methods=["GET"],
        status_forcelist=RETRIED,
        retry_on_exceptions=[httpx.NetworkError, httpx.RemoteProtocolError],
        backoff_factor=limits.backoff_s,
        max_backoff_wait=max(limits.backoff_s, 0.001) * 25,
        total_timeout=max(limits.total_s, 0.001),
    )
    timeout = httpx.Timeout(limits.total_s, connect=min(limits.connect_s, limits.total_s))
    return httpx.Client(
        transport=RetryTransport(BoundedTransport(inner, limits, resolves_names=proxy is None), retry),
        timeout=timeout,
        follow_redirects=False,
        trust_env=False,
        headers={"Accept-Encoding": "identity"},
    )


class BoundedTransport(httpx.BaseTransport):
    """A transport that reads each answer whole, before a deadline and below a size, or raises."""

    def __init__(self, inner: httpx.BaseTransport, limits: RequestLimits, *, resolves_names: bool) -> None:
        self._inner = inner
        self._limits = limits
        self._resolves_names = resolves_names

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Raises httpx.ReadTimeout after the deadline, Broken where the answer is too long or packed."""
        self._resolve(request)
        watch = DeadlineWatch(self._limits.total_s)
        request.extensions = {**request.extensions, "trace": watch.note_connection}
        try:
            with watch:
                response = self._inner.handle_request(request)
                try:
                    body = self._read_body(request, response)
                finally:
                    response.close()
        except httpx.HTTPError as error:
            if watch.is_over:
                raise httpx.ReadTimeout("the deadline passed", request=request) from error
            raise
        if watch.is_over:
            raise httpx.ReadTimeout("the deadline passed", request=request)
        headers = [
            (k, v) for k, v in response.headers.raw if k.lower() not in (b"content-length", b"transfer-encoding")
        ]
        return httpx.Response(response.status_code, headers=headers, content=body)

    def _resolve(self, request: httpx.Request) -> None:
        """Raise httpx.ConnectTimeout where the host's name takes too long to look up, which no time-out of a socket covers."""
        host = request.url.host
        if not self._resolves_names or address.is_loopback(str(request.url)) or address.is_ip_address(host):
            return
        thread = threading.Thread(target=_look_up_host, args=(host,), daemon=True)
        thread.start()
        thread.join(min(self._limits.connect_s, self._limits.total_s))
        if thread.is_alive():
            raise httpx.ConnectTimeout(f"the name {host} is not found in time", request=request)

    def _read_body(self, request: httpx.Request, response: httpx.Response) -> bytes:
        limit = self._limits.max_bytes
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise InvalidResponse(
                f"{request.method} {request.url}: the answer is packed, which was not asked for",
                status=response.status_code,
                maybe_done=request.method != "GET",
            )
        parts, size = [], 0
        for part in response.iter_raw():
            size += len(part)
            if size > limit:
                raise InvalidResponse(
                    f"{request.method} {request.url}: the answer is longer than {limit:,} bytes",
                    hint="is that the research server? if it is, ask it for less",
                    status=response.status_code,
                    maybe_done=request.method != "GET",
                )
            parts.append(part)
        return b"".join(parts)

    def close(self) -> None:
        """Close what is inside."""
        self._inner.close()


def _look_up_host(host: str) -> None:
    with contextlib.suppress(OSError, UnicodeError):  # what is wrong with it the request itself will say
        socket.getaddrinfo(host, None)


class DeadlineWatch:
    """Shuts a request's connection when its time is over; httpx's own time-outs begin anew with every byte that arrives."""

    def __init__(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self.is_over = False

    def note_connection(self, event: str, info: dict[str, Any]) -> None:
        """Note the connection that a request opened (httpcore's trace extension)."""
        if not event.endswith(("connect_tcp.complete", "start_tls.complete")):
            return
        connection = info["return_value"].get_extra_info("socket")
        with self._lock:
            if isinstance(connection, socket.socket):
                self._sockets.append(connection)
        if self.is_over:
            self._end()

    def _end(self) -> None:
        with self._lock:
            self.is_over = True
            for connection in self._sockets:
                with contextlib.suppress(OSError):
                    # of the plain socket below a TLS one: closing TLS in its own way would wait for the other side
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def __enter__(self) -> DeadlineWatch:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            self._sockets.clear()
