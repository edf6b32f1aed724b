"""The problem details that a failure of the workspace is answered with; they say what to do, and nothing internal."""

import math
from http import HTTPStatus
from typing import Final

from compliance_api.http import ProblemError
from compliance_api.workspace.workspace import BadQuery, TooLarge
from publisher.errors.kinds import (
    AccessDenied,
    AuthenticationFailed,
    AzureFailure,
    DeadlineExceeded,
    NotFound,
    TransientFailure,
    is_gateways,
)

_SOON_SECONDS: Final = 30
_LATER_SECONDS: Final = 300
"""Role assignments and private endpoints take minutes to work."""

_LONGEST_RETRY_SECONDS: Final = 3600


def problem_of(failure: AzureFailure) -> ProblemError:
    """Return the problem for a failed query of the API itself: 503 with Retry-After, or 500 when it was refused."""
    if isinstance(failure, AccessDenied | AuthenticationFailed):
        detail = (
            "The workspace does not let the API's own identity query it from here: it needs the right to read the "
            "tables, and a way in when the workspace is closed to public networks."
        )
        return _unavailable(detail, _LATER_SECONDS)
    if isinstance(failure, NotFound):
        return _unavailable("The workspace cannot be found (LOG_ANALYTICS_WORKSPACE_ID).", _LATER_SECONDS)
    if isinstance(failure, TransientFailure) or is_gateways(failure):
        wish = failure.retry_after if isinstance(failure, TransientFailure) else None
        wait = _SOON_SECONDS if wish is None else wish
        seconds = min(_LONGEST_RETRY_SECONDS, max(1, math.ceil(wait)))
        return _unavailable("The workspace cannot be reached, or does not answer completely, just now.", seconds)
    return ProblemError(HTTPStatus.INTERNAL_SERVER_ERROR, "The workspace refuses a query of the API itself.")


def problem_of_query(failure: AzureFailure, seconds: int) -> ProblemError:
    """Return the problem for a caller's own query that failed: 400, 504 or that of `problem_of`; it had `seconds`."""
    if isinstance(failure, BadQuery):
        where = {"line": failure.line, "position": failure.position}
        engine = {"code": failure.code, "message": str(failure), **{k: v for k, v in where.items() if v is not None}}
        return ProblemError(HTTPStatus.BAD_REQUEST, str(failure), field="query", engine=engine)
    if isinstance(failure, TooLarge):
        detail = "The answer is too large. Summarise, project fewer columns, or take fewer rows."
        return ProblemError(HTTPStatus.BAD_REQUEST, detail, field="query")
    if isinstance(failure, DeadlineExceeded) or failure.status == HTTPStatus.GATEWAY_TIMEOUT:
        detail = f"The query took longer than the {seconds} seconds it may take."
        return ProblemError(HTTPStatus.GATEWAY_TIMEOUT, detail, field="query")
    return problem_of(failure)


def _unavailable(detail: str, seconds: int) -> ProblemError:
    return ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, detail, retry_after_seconds=seconds)
