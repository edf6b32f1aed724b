"""Answers one HTTP request: access check, handler, and problem details for whatever fails. No Azure Functions types."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final
from weakref import WeakKeyDictionary

from compliance_api.callers.access import require_reader, require_sign_in
from compliance_api.callers.principal import Principal
from compliance_api.failures import problem_of
from compliance_api.fleet.compliance import Compliance
from compliance_api.http import Answer, ProblemError, Request
from compliance_api.settings import ApiSettings
from publisher.environment import SettingsError
from publisher.errors.kinds import AzureFailure

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Context:
    """What a handler needs besides the request."""

    settings: ApiSettings
    compliance: Compliance
    principal: Principal
    now: datetime


Handler = Callable[[Request, Context], Awaitable[Answer]]
AccessCheck = Callable[[Request, ApiSettings], Principal]

_SHARED: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, dict[ApiSettings, Compliance]]] = WeakKeyDictionary()


async def answer(
    request: Request,
    handler: Handler,
    variables: Mapping[str, str],
    *,
    check_access: AccessCheck = require_reader,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Answer:
    """Check the caller, let the handler answer, and turn what goes wrong into problem details.

    `variables` is the environment. A refusal costs one line of log, without headers, bodies or queries.
    """
    try:
        require_sign_in(variables)
        settings = ApiSettings.from_environment(variables)
        context = Context(settings, _compliance(settings), check_access(request, settings), clock())
        return await handler(request, context)
    except ProblemError as problem:
        return _refused(problem, handler, str(problem))
    except SettingsError as error:
        unset = ProblemError(
            HTTPStatus.INTERNAL_SERVER_ERROR, "The API is not configured; its log says what is missing."
        )
        return _refused(unset, handler, "; ".join(error.problems), logging.ERROR)
    except AzureFailure as failure:
        return _refused(problem_of(failure), handler, f"{failure.code}: {failure}", logging.ERROR)
    except Exception:
        defect = ProblemError(HTTPStatus.INTERNAL_SERVER_ERROR, "Something is wrong with the API itself.")
        _LOGGER.exception("%s %s: 500 (a defect of this program)", handler.__name__, defect.correlation_id)
        return defect.answer()


def _compliance(settings: ApiSettings) -> Compliance:
    """Return the Compliance, with its cache, that all requests with these settings share in this event loop."""
    shared = _SHARED.setdefault(asyncio.get_running_loop(), {})
    if settings not in shared:
        shared[settings] = Compliance(settings)
    return shared[settings]


def _refused(problem: ProblemError, handler: Handler, reason: str, level: int = logging.WARNING) -> Answer:
    _LOGGER.log(level, "%s %s: %d (%s)", handler.__name__, problem.correlation_id, problem.status.value, reason)
    return problem.answer()
