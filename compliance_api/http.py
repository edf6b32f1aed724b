"""Requests, answers and problem details of the API, without Azure Functions types; the headers of every answer."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import orjson

PROBLEM_TYPE: Final = "application/problem+json"
_PROTECTION: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request: header names in lower case, query parameters decoded, `route` what the route's {…} took in.

    `path` is that of its address, as sent (`/api/compliance`).
    """

    method: str
    headers: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    route: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    path: str = ""

    def header(self, name: str) -> str:
        """Return a header, or "" when the request has none."""
        return self.headers.get(name.lower(), "")

    def refuse_other_parameters(self, *known: str) -> None:
        """Raise ProblemError 400 for a parameter that is not known: a misspelt filter must not show the whole fleet."""
        for name in self.parameters:
            if name not in known:
                there_are = ", ".join(known) or "none"
                raise bad_request(name[:100], f"There is no such parameter here. There are: {there_are}.")

    def whole_number(self, name: str, default: int, largest: int) -> int:
        """Return a parameter from 1 to `largest` (at most four digits); ProblemError 400 for anything else."""
        text = self.parameters.get(name, str(default))
        if not (text.isascii() and text.isdecimal() and len(text) <= 4 and 1 <= int(text) <= largest):  # noqa: PLR2004
            raise bad_request(name, f"{name} is a whole number from 1 to {largest}.")
        return int(text)


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to the caller. `headers` add to, or replace, those that protect every answer.

    `content` is an answer in JSON that is not yet written; it then stands for the body.
    `rows` is how many items an answer in another form lists.
    """

    body: bytes
    status: int = HTTPStatus.OK
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    content: Any = None
    rows: int | None = None

    def all_headers(self) -> dict[str, str]:
        """Return every header but the content type."""
        return {**_PROTECTION, **self.headers}


class ProblemError(Exception):
    """Why a request is not answered with data, as RFC 9457 problem details.

    `field` names the parameter or property to blame; `allowed` are the methods of an address that has others;
    `more` are further members, such as an engine's own message.
    """

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        field: str | None = None,
        retry_after_seconds: int | None = None,
        allowed: Iterable[str] = (),
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.field = field
        self.more = more
        self.retry_after_seconds = retry_after_seconds
        self.allowed = ", ".join(allowed)

    def answer(self, correlation_id: str) -> Answer:
        """Return the problem as an answer. `error` repeats `detail` for callers that look for it, as older ones do."""
        problem = {
            "type": "about:blank",
            "title": self.status.phrase,
            "status": self.status.value,
            "detail": self.detail,
            "error": self.detail,
            "correlation_id": correlation_id,
            **({"field": self.field} if self.field else {}),
            **self.more,
        }
        headers = {} if self.retry_after_seconds is None else {"Retry-After": str(self.retry_after_seconds)}
        if self.allowed:
            headers["Allow"] = self.allowed
        return Answer(b"", self.status.value, PROBLEM_TYPE, headers, problem)


def bad_request(field: str, detail: str, **more: Any) -> ProblemError:
    """Return the problem of a parameter or property that cannot be used."""
    return ProblemError(HTTPStatus.BAD_REQUEST, detail, field=field, **more)


def json_answer(content: Any, status: HTTPStatus = HTTPStatus.OK) -> Answer:
    """Return content as JSON; times are ISO 8601 in UTC."""
    return Answer(b"", status.value, content=content)


def json_body(request: Request, largest: int) -> bytes:
    """Return a body that is said to be JSON, of at most so many bytes; ProblemError 413 or 415 for any other."""
    media_type = request.header("content-type").partition(";")[0].strip().lower()
    if media_type != "application/json":  # a form of another site could send text/plain with the caller's cookie
        raise ProblemError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body must be application/json.", field="Content-Type"
        )
    if len(request.body) > largest:
        raise ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body is larger than {largest} bytes.")
    return request.body


def json_object(request: Request, largest: int) -> dict[str, Any]:
    """Return the body, a JSON object of at most so many bytes; ProblemError 400, 413 or 415 for any other."""
    try:
        content = orjson.loads(json_body(request, largest))
    except orjson.JSONDecodeError as error:
        raise bad_request("body", "The body is not JSON.") from error
    if not isinstance(content, dict):
        raise bad_request("body", "The body is a JSON object.")
    return content
