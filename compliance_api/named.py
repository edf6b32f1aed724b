"""Which application the address of a request names, and what of it is asked for."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from compliance_api.http import Request
from publisher.resource_ids import ApplicationId, InvalidResourceId

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
        if before.casefold().endswith(below) and id_in(before[: -len(below)]):
            return Named(before[: -len(below)], below)
    return Named(text, "")


def id_in(text: str) -> str:
    """Return the resource id of a managed application that a text is, with or without its leading slash; else ""."""
    try:
        return str(ApplicationId.parse(text))
    except InvalidResourceId:
        return ""
