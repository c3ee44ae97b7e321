"""What can go wrong on the way of an answer. Each kind is a function of the handler; `answer` gives what would have been said."""

from __future__ import annotations

import gzip
import json
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.stand_in.http import Handler

Answer = tuple[int, Any]
Then = Callable[[], Answer]
HTML = b"<!DOCTYPE html><html><body>Welcome to nginx</body></html>"
TICK_S = 0.02


@dataclass
class Fault:
    """A kind of KINDS for a path; `left` counts down, None is for ever."""

    path: str
    kind: str
    method: str | None = None
    left: int | None = None
    more: dict[str, Any] = field(default_factory=dict)

    def meets(self, method: str, path: str) -> bool:
        wanted = path.startswith(self.path[:-1]) if self.path.endswith("*") else path == self.path
        return wanted and self.method in (None, method) and self.left != 0


def silent(handler: Handler, answer: Then) -> None:
    """Nothing at all is said."""
    handler.closing.wait(30)


def slow_headers(handler: Handler, answer: Then) -> None:
    """Headers, a byte at a time, without end."""
    handler.drip(b"HTTP/1.1 200 OK\r\n" + b"X-Slow: 1\r\n" * 10_000, TICK_S)


def slow_body(handler: Handler, answer: Then) -> None:
    """A body, a byte at a time, without end."""
    handler.head(200, "application/json", length=1_000_000)
    handler.drip(b'{"a": "' + b"x" * 1_000_000, TICK_S)


def cut(handler: Handler, answer: Then) -> None:
    """The connection ends in the middle of the body."""
    handler.head(200, "application/json", length=1_000)
    handler.wfile.write(b'{"half": ')


def reset(handler: Handler, answer: Then) -> None:
    """The connection is reset before a word is said."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def lost(handler: Handler, answer: Then) -> None:
    """What was asked is done, and the answer is lost."""
    answer()


def stored_500(handler: Handler, answer: Then) -> None:
    """What was asked is done, and the answer is a 500."""
    answer()
    handler.say(500, b'{"detail": "Tmux session not available. Start tmux first."}', "application/json")


def text_500(handler: Handler, answer: Then) -> None:
    handler.say(500, b"Internal Server Error", "text/plain")


def status(handler: Handler, answer: Then) -> None:
    """A status with a detail, and headers where the fault has some."""
    more = handler.fault_met.more
    code, headers = int(more.get("code", 503)), dict(more.get("headers", {}))
    said = json.dumps({"detail": handler.fault_met.more.get("detail", "said so")}).encode()
    handler.say(code, said, "application/json", headers)


def redirect(handler: Handler, answer: Then) -> None:
    handler.say(307, b"", "text/plain", {"Location": str(handler.fault_met.more["to"])})


def html(handler: Handler, answer: Then) -> None:
    handler.say(200, HTML, "text/html")


def bad_utf8(handler: Handler, answer: Then) -> None:
    handler.say(200, b'{"status": "\xff\xfe"}', "application/json")


def deep(handler: Handler, answer: Then) -> None:
    handler.say(200, b"[" * 100_000 + b"]" * 100_000, "application/json")


def huge(handler: Handler, answer: Then) -> None:
    """200 MB, which the other side should not wait for; `stand_in.sent` counts what went out."""
    size, block = 200_000_000, b" " * 1_000_000
    handler.head(200, "application/json", length=size)
    for _ in range(size // len(block)):
        handler.wfile.write(block)
        handler.server.stand_in.sent += len(block)


def packed(handler: Handler, answer: Then) -> None:
    """A body that would unpack to far more."""
    handler.say(200, gzip.compress(b" " * 1_000_000, 1), "application/json", {"Content-Encoding": "gzip"})


def body(handler: Handler, answer: Then) -> None:
    """Another body than was due."""
    handler.say(200, handler.fault_met.more["body"], "application/json")


KINDS: dict[str, Callable[[Handler, Then], None]] = {
    kind.__name__: kind
    for kind in (
        silent,
        slow_headers,
        slow_body,
        cut,
        reset,
        lost,
        stored_500,
        text_500,
        status,
        redirect,
        html,
        bad_utf8,
        deep,
        huge,
        packed,
        body,
    )
}
