"""What requests have in common: which application their address names, pages, format, and the run that answers name."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote

from compliance_api.endpoint import Context
from compliance_api.fleet.fleet import Run
from compliance_api.fleet.frame import as_of
from compliance_api.http import ProblemError, Request, bad_request
from publisher.resource_ids import ApplicationId, InvalidResourceId

FORMAT: Final = "format"
HISTORY: Final = "/history"
REPORT: Final = "/report"


@dataclass(frozen=True, slots=True)
class Named:
    """The application that an address names, and what of it: "" for how it stands, HISTORY or REPORT."""

    id: str
    below: str


def named_in(request: Request) -> Named:
    """Return what the address of an application asks for.

    The id has slashes, so that the route takes whatever follows. `/history` and `/report` belong to the id of an
    application that is called so, and ask for these where an id stands before them.
    """
    # The platform does not document whether it decodes %2F in a path; a resource id has no % of its own.
    text = unquote(request.route.get("id", ""))
    before = text.rstrip("/")
    for below in (HISTORY, REPORT):
        if before.casefold().endswith(below) and is_id(before[: -len(below)]):
            return Named(before[: -len(below)], below)
    return Named(text, "")


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


def is_id(text: str) -> bool:
    """Tell whether a text is the resource id of a managed application, with or without its leading slash."""
    try:
        ApplicationId.parse(text)
    except InvalidResourceId:
        return False
    return True
