"""What requests have in common: format, what is not found, and the run that answers name."""

from http import HTTPStatus
from typing import Any, Final

from compliance_api.endpoint import Context
from compliance_api.fleet.fleet import Run
from compliance_api.fleet.frame import as_of
from compliance_api.http import ProblemError, Request, bad_request

FORMAT: Final = "format"


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
