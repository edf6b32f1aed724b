"""What requests have in common: which application their address names, pages, format, and the run that answers name."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote

from compliance_api.endpoint import Context
from compliance_api.fleet.fleet import Run
from compliance_api.fleet.frame import as_of
from compliance_api.fleet.paging import TOKEN
from compliance_api.http import ProblemError, Request, bad_request
from publisher.resource_ids import ApplicationId, InvalidResourceId

PAGING: Final = ("page_size", TOKEN)
FORMAT: Final = "format"
_HISTORY: Final = "/history"


@dataclass(frozen=True, slots=True)
class Named:
    """The application that an address names, and whether it asks for the application's history."""

    id: str
    is_history: bool


def named_in(request: Request) -> Named:
    """Return what the address of an application asks for.

    The id has slashes, so that the route takes whatever follows. `/history` belongs to the id of an application that is
    called so, and asks for the history where an id stands before it.
    """
    # The platform does not document whether it decodes %2F in a path; a resource id has no % of its own.
    text = unquote(request.route.get("id", ""))
    before = text.rstrip("/")
    if before.casefold().endswith(_HISTORY) and _is_id(before[: -len(_HISTORY)]):
        return Named(before[: -len(_HISTORY)], is_history=True)
    return Named(text, is_history=False)


def not_found(detail: str, run: Run | None) -> ProblemError:
    """Return the problem of an application that nothing is told of; before the first run nothing is of anybody."""
    unknown = "No collection run has been completed yet: nothing is known of any application."
    return ProblemError(HTTPStatus.NOT_FOUND, unknown if run is None else detail, field="id")


def as_csv(request: Request) -> bool:
    """Tell whether CSV is asked for; ProblemError 400 for another format than it and JSON."""
    form = request.parameters.get(FORMAT, "json")
    if form not in ("json", "csv"):
        raise bad_request(FORMAT, "format is json or csv.")
    return form == "csv"


def run_of(run: Run | None, context: Context) -> dict[str, Any]:
    """Return what an answer says about the run that it speaks of."""
    return as_of(run, context.now, context.settings.stale_after)


def _is_id(text: str) -> bool:
    try:
        ApplicationId.parse(text)
    except InvalidResourceId:
        return False
    return True
