"""The id by which an answer is found again in the log: the caller's own, when it gives a well-formed one.

Sources: github.com/microsoft/api-guidelines (x-ms-client-request-id) and w3.org/TR/trace-context (traceparent).
"""

import re
import uuid
from typing import Final

from compliance_api.http import Request
from publisher.resource_ids import is_guid

HEADER: Final = "x-ms-correlation-request-id"
"""The header of every answer that has the id."""

_TRACE: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_NO_TRACE: Final = "0" * 32
_NO_VERSION: Final = "ff-"


def correlation_id_of(request: Request) -> str:
    """Return the caller's GUID in x-ms-client-request-id, else the trace id of its traceparent, else a new id."""
    given = request.header("x-ms-client-request-id")
    if is_guid(given):
        return given.lower()
    parent = request.header("traceparent")
    match = _TRACE.fullmatch(parent)
    if match and match[1] != _NO_TRACE and not parent.startswith(_NO_VERSION):
        return match[1]
    return uuid.uuid4().hex
