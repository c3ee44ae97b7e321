"""What can go wrong between us and the research server, told apart by what one can do about it."""

from __future__ import annotations

from scaffold.errors import ScaffoldError


class ServerError(ScaffoldError):
    """A request that did not give what it was sent for.

    `status` is the HTTP status where there was an answer. `maybe_done` says that the server may have done what it was asked
    all the same (it stores a run and then answers 500; an answer may be lost): look before you ask again, nothing is idempotent.
    """

    def __init__(
        self, message: str, *, hint: str | None = None, status: int | None = None, maybe_done: bool = False
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.maybe_done = maybe_done


class ServerUnreachable(ServerError):
    """No answer: refused, no such host, too slow, cut off."""


class ServerUnauthorized(ServerError):
    """The server is up and does not take our token, or wants one (401)."""


class ServerOfOtherProject(ServerError):
    """The server works in another directory than the workspace's: it worked, and the answer is no. Exit code 3."""

    exit_code = 3


class ServerResourceNotFound(ServerError):
    """The server does not know the id, or has no such operation (404, 405)."""


class RequestRefused(ServerError):
    """The server understood and said no (another 4xx); `message` has its reason."""


class InvalidResponse(ServerError):
    """An answer that is not what was due: 5xx, a redirect, no JSON, too long, another shape."""
