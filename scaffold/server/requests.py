"""Requests to one research server, and what their outcome means: JSON, or one of the errors."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from scaffold import structured_text
from scaffold.server import address
from scaffold.server.errors import (
    InvalidResponse,
    RequestRefused,
    ServerError,
    ServerResourceNotFound,
    ServerUnauthorized,
    ServerUnreachable,
)
from scaffold.server.json_values import objects_in_json_list
from scaffold.server.operations import ServerOperation
from scaffold.server.sanitize import sanitize_line

if TYPE_CHECKING:
    import httpx  # noqa: TID251 - for its types alone

ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._:-]{0,199}")
LONGEST_READ, LONGEST_MESSAGE = 20_000, 300
NO_SERVER = "is the research server up, and is this its address (--server-url)?"
LOST = "it may have been done all the same: look before you ask again"
FORGOTTEN = (
    "a server that was restarted forgets its runs and sweeps; an older one lacks the operation: scaffold preflight"
)


class RequestSender:
    """Sends requests, each with the token, and reads the answers; it shows the token to nobody else."""

    def __init__(self, url: str, token: str | None, http: httpx.Client, patience_s: float) -> None:
        self.url = url
        self._token = token
        self._http = http
        self._patience_s = patience_s

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def request_object(
        self, operation: ServerOperation, *, body: object = None, query: dict[str, Any] | None = None, **ids: str
    ) -> dict[str, Any]:
        """The object that an operation answers; `ids` fill its path. Raises ServerError for all else."""
        answer = self.request_json(operation, body, query, ids)
        if not isinstance(answer, dict):
            raise self.invalid_response(operation.method, operation.path, "the answer is no object")
        return answer

    def request_list(
        self, operation: ServerOperation, *, query: dict[str, Any] | None = None, **ids: str
    ) -> list[Mapping[str, Any]]:
        """The objects in the list that an operation answers; what is none is left out. Raises ServerError for all else."""
        answer = self.request_json(operation, None, query, ids)
        if not isinstance(answer, list):
            raise self.invalid_response(operation.method, operation.path, "the answer is no list")
        return objects_in_json_list(answer)

    def request_json(
        self, operation: ServerOperation, body: object, query: dict[str, Any] | None, ids: Mapping[str, str]
    ) -> Any:
        """What an operation answers. Raises ServerError where that is no JSON, and Refused where an id cannot be one."""
        path = operation.path
        for name, value in ids.items():
            if not ID.fullmatch(value):
                raise RequestRefused(f"{value[:60]!r} cannot be an id of the research server, so nothing was sent")
            path = path.replace(f"{{{name}}}", value)
        if query:
            path += "?" + urlencode(query, errors="surrogateescape")
        body_bytes = self.send(operation.method, path, body)
        try:
            return structured_text.parse_json(body_bytes)
        except ValueError as error:
            is_html = body_bytes[:200].lstrip().lower().startswith((b"<!doctype", b"<html"))
            reason = "the answer is HTML, not JSON" if is_html else f"the answer is no JSON ({type(error).__name__})"
            raise self.invalid_response(operation.method, path, reason) from error

    def send(self, method: str, path: str, body: object = None) -> bytes:
        """The body of a good answer (2xx). Raises ServerError for all else."""
        import httpx  # noqa: TID251 - of the requests that `transport` sends

        headers = {"Accept": "application/json, text/html;q=0.5"}
        if self._token is not None:
            headers["X-Auth-Token"] = self._token
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body).encode()
        try:
            response = self._http.request(method, self.url + path, content=content, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._no_answer_error(method, path, error) from error
        except InvalidResponse as error:
            raise InvalidResponse(
                self._clean(error.message), hint=error.hint, status=error.status, maybe_done=error.maybe_done
            ) from error
        if not 200 <= response.status_code < 300:
            raise self._status_error(method, path, response)
        return response.content

    def _no_answer_error(self, method: str, path: str, error: Exception) -> ServerUnreachable:
        """The error for a request that got no answer."""
        import httpx  # noqa: TID251 - of the requests that `transport` sends

        is_late = isinstance(error, httpx.TimeoutException)
        is_unsent = isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.InvalidURL))
        if is_late:
            reason = "no connection in time" if is_unsent else f"no whole answer within {self._patience_s:g} s"
        else:
            reason = f"{'no connection' if is_unsent else 'cut off'}: {self._clean(str(error)) or type(error).__name__}"
        maybe_done = method != "GET" and not is_unsent
        hint = LOST if maybe_done else NO_SERVER
        return ServerUnreachable(f"{method} {self.url}{path}: {reason}", hint=hint, maybe_done=maybe_done)

    def _status_error(self, method: str, path: str, response: httpx.Response) -> ServerError:
        """The error for an answer that is not 200."""
        status, request = response.status_code, f"{method} {self.url}{path}"
        message = f"{request}: {status}: {self._server_message(response.content)}".rstrip(": ")
        if status == 401:
            token = f"${address.TOKEN_VARIABLE} or --auth-token-file"
            reason = "the server does not take this token" if self._token is not None else "the server wants a token"
            return ServerUnauthorized(
                f"{request}: {reason} (401)", hint=f"give it the server's own: {token}", status=status
            )
        if status in (404, 405):
            return ServerResourceNotFound(message, hint=FORGOTTEN, status=status)
        if 300 <= status < 400:
            target = self._clean(response.headers.get("location", "nowhere"))
            return InvalidResponse(
                f"{request}: the server redirects to {target}, which is not followed, because a token must not be",
                hint="name the server's final address with --server-url",
                status=status,
            )
        if 400 <= status < 500:
            return RequestRefused(message, status=status)
        is_write = method != "GET"
        return InvalidResponse(message, hint=LOST if is_write else None, status=status, maybe_done=is_write)

    def invalid_response(self, method: str, path: str, reason: str) -> InvalidResponse:
        """The error for an answer that is not what was due."""
        is_write = method != "GET"
        hint = f"is that the research server? {self.url}/health should say so"
        return InvalidResponse(f"{method} {self.url}{path}: {reason}", hint=hint, status=200, maybe_done=is_write)

    def _server_message(self, body: bytes) -> str:
        """The server's own words: `detail`, of which validation has a list, else the beginning of the text."""
        try:
            answer = structured_text.parse_json(body)
        except ValueError:
            return self._clean(body[:LONGEST_READ].decode("utf-8", "replace"))
        detail = answer.get("detail") if isinstance(answer, dict) else None
        if isinstance(detail, list):
            return self._clean("; ".join(map(_validation_message, objects_in_json_list(detail)))[:LONGEST_READ])
        return self._clean(str(detail if detail is not None else "")[:LONGEST_READ])

    def _clean(self, text: str) -> str:
        """Text from outside as one printable line, without our token, should it be said back to us."""
        return sanitize_line(text.replace(self._token, "***") if self._token else text, LONGEST_MESSAGE)


def _validation_message(complaint: Mapping[str, Any]) -> str:
    """One of the things that are wrong with what was sent."""
    location = complaint.get("loc")
    return f"{'.'.join(map(str, location)) if isinstance(location, list) else ''}: {complaint.get('msg')}"
