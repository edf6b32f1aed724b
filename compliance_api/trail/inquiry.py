"""The audit row of a request: who asked, for what, and what the answer was. Nothing of it is told to the caller."""

import hashlib
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote

import orjson

from compliance_api.callers.principal import Caller, caller_in
from compliance_api.description import Operation, operation_of, path_of
from compliance_api.http import PROBLEM_TYPE, Answer, ProblemError, Request
from compliance_api.named import id_in, named_in
from publisher.audit.row import AuditRow, Outcome

UNRECORDED: Final = "The audit row of this request could not be stored, and nobody gets data without one."

_PAGE: Final = "/dashboard"
_TOOLS: Final = "/mcp"
_OWN_QUERY: Final = "queryLogs"
_ABOUT_NOBODY: Final = frozenset({"getDescription", "callTools", "listSavedQueries"})
"""Operations whose own answer tells of no customer: of a request that calls tools, each call is a row."""

_SAVED_QUERY: Final = "runSavedQuery"
_ONLY: Final = "only"
"""The parameter of saved queries that narrows them to one application, compared whole."""

_NOT_USED: Final = "code"
"""A parameter that some operations take and do not use: what stands there says nothing about the answer."""

_APPLICATIONS: Final = re.compile("/applications/", re.IGNORECASE)
_SEGMENTS: Final = 8
"""Of the id of an application."""

_LARGEST_BODY: Final = 128 * 1024
_ADDRESS: Final = "client-ip"
"""App Service's front end writes it over whatever a caller sends.

Source: github.com/Azure/app-service-linux-docs, Things_You_Should_Know/headers.md. Of Flex Consumption nothing is
documented; docs/audit.md says how to try it.
"""


@dataclass(slots=True)
class Inquiry:
    """One request, until its row can be written; `calls` has the rows of the tools that it called.

    Args:
        is_behind_sign_in: whether the platform's sign-in stands in front: only then are its headers believed.
        is_page: it is for a file of the operations page. Its route says so: an address can be written in many ways.
    """

    request: Request
    correlation_id: str
    began: datetime
    is_behind_sign_in: bool
    is_page: bool
    calls: list[AuditRow] = field(default_factory=list)
    _started: float = field(default_factory=time.monotonic)

    def needs_row(self, sent: Answer) -> bool:
        """Tell whether the request has a row: all have, but for files of the page, which are the same for everybody."""
        return not self.is_page or sent.status >= HTTPStatus.BAD_REQUEST

    def rows(self, given: Answer, sent: Answer) -> list[AuditRow]:
        """Return the request's row and those of the tools that it called.

        `given` is what was answered, `sent` the same as it goes over the wire.
        """
        route = _PAGE if self.is_page else path_of(unquote(self.request.path))
        return [self._row(self.request, given, int(sent.status), route, self._started), *self.calls]

    def note_call(self, operation: str, asked: Request | None, given: Answer, started: float) -> None:
        """Note the call of a tool; `asked` is the request that it stood for, None when its arguments made none."""
        call = self._row(asked or replace(self.request, body=b"", path=""), given, int(given.status), _TOOLS, started)
        self.calls.append(replace(call, operation=operation, method=self.request.method))

    def _row(self, request: Request, given: Answer, status: int, route: str, started: float) -> AuditRow:
        caller = self._caller()
        operation = operation_of(request.method, unquote(request.path))
        name = operation.id if operation else ""
        outcome = _outcome(status)
        return AuditRow(
            began=self.began,
            kind="request",
            outcome=outcome,
            correlation_id=self.correlation_id,
            actor_id=caller.object_id,
            actor_name=caller.name,
            actor_kind=caller.kind,
            client_id=caller.client_id,
            address=_address(self.request) if self.is_behind_sign_in else "",
            route=route,
            operation=name,
            method=request.method,
            status=status,
            reason="" if outcome == "answered" else _reason(given),
            application_id=_application_in(request),
            is_fleet_wide=outcome == "answered" and name not in _ABOUT_NOBODY and not _is_confined(request, operation),
            query_hash=_query_hash(request) if name == _OWN_QUERY else "",
            rows=_rows_in(given) if outcome == "answered" else None,
            duration_ms=round((time.monotonic() - started) * 1000),
        )

    def _caller(self) -> Caller:
        """Return who asks; nobody while headers could come from anybody, or do not fit together."""
        if not self.is_behind_sign_in:
            return Caller()
        try:
            return caller_in(self.request)
        except ProblemError:
            return Caller()


def _outcome(status: int) -> Outcome:
    if status < HTTPStatus.BAD_REQUEST:
        return "answered"
    return "refused" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "failed"


def _reason(given: Answer) -> str:
    """Return why something was not answered; of the engine's complaint about a query the code alone: it quotes it."""
    problem = given.content if given.media_type == PROBLEM_TYPE and isinstance(given.content, dict) else {}
    engine = problem.get("engine")
    if isinstance(engine, Mapping):
        return f"The query was refused: {engine.get('code')}"
    return str(problem.get("detail", ""))


def _application_in(request: Request) -> str:
    """Return the id of the application that the address or a parameter names, "" when none does."""
    text = _named_at(request)
    begin = "/".join(list(filter(None, text.split("/")))[:_SEGMENTS])  # below it is a question about it, too
    only = request.parameters.get(_ONLY, "")
    others = (value for name, value in request.parameters.items() if name != _NOT_USED)
    return next(filter(None, map(id_in, (text, begin, only, *others))), "")


def _named_at(request: Request) -> str:
    """Return what an address has in the place of an application's id, however it is written; "" for nothing."""
    _, *after = _APPLICATIONS.split(unquote(request.path), maxsplit=1)
    text = request.route.get("id") or "".join(after).lstrip("/")
    return named_in(replace(request, route={"id": text})).id


def _is_confined(request: Request, operation: Operation | None) -> bool:
    """Tell whether an answer can be about no other application than the one that the row names.

    A search for an id is not: it finds each id that begins so, and who has a resource group in it.
    """
    if operation is None:
        return False
    if "id" in operation.parameters:
        return bool(id_in(_named_at(request)))
    return operation.id == _SAVED_QUERY and bool(id_in(request.parameters.get(_ONLY, "")))


def _query_hash(request: Request) -> str:
    if len(request.body) > _LARGEST_BODY:
        return ""
    try:
        content = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        return ""
    query = content.get("query") if isinstance(content, dict) else None
    return hashlib.sha256(query.encode()).hexdigest() if isinstance(query, str) else ""


def _rows_in(given: Answer) -> int | None:
    """Return how many items the longest list in an answer has, lines of a CSV, None where there is no list."""
    if given.rows is not None or not isinstance(given.content, dict):
        return given.rows
    if "row_count" in given.content:
        return int(given.content["row_count"])
    return max(map(len, _lists(given.content)), default=None)


def _lists(content: Mapping[str, Any]) -> Iterable[list[Any]]:
    """Yield the lists of an object, and of the objects right below it."""
    for value in content.values():
        below = value.values() if isinstance(value, dict) else (value,)
        yield from (one for one in below if isinstance(one, list))


def _address(request: Request) -> str:
    """Return the caller's address without its port."""
    text = request.header(_ADDRESS).strip()
    host, _, port = text.rpartition(":")
    has_port = port.isdecimal() and (host.count(":") == 0 or host.endswith("]"))
    address = (host if has_port else text).strip("[]")
    return address if address and all(character in "0123456789abcdefABCDEF:.%" for character in address) else ""
