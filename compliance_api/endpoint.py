"""Answers one HTTP request: access check, handler, and problem details for whatever fails. No Azure Functions types."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final
from weakref import WeakKeyDictionary

from compliance_api.callers.access import require_reader, require_sign_in
from compliance_api.callers.principal import Principal
from compliance_api.correlation import correlation_id_of
from compliance_api.delivery import delivered
from compliance_api.failures import problem_of
from compliance_api.fleet.compliance import Compliance
from compliance_api.http import Answer, ProblemError, Request
from compliance_api.selection import Selection
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
    correlation_id: str


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
    correlation_id = correlation_id_of(request)

    async def asked() -> Answer:
        require_sign_in(variables)
        settings = ApiSettings.from_environment(variables)
        principal = check_access(request, settings)
        context = Context(settings, _compliance(settings), principal, clock(), correlation_id)
        return await _selected(request, handler, context)

    return delivered(request, await _given(asked, handler, correlation_id), correlation_id)


async def answer_of_another(request: Request, handler: Handler, check_access: AccessCheck, context: Context) -> Answer:
    """Return what another handler answers to the same caller, after its own access check; problems as content, too."""

    async def asked() -> Answer:
        principal = check_access(request, context.settings)
        return await _selected(request, handler, replace(context, principal=principal))

    return await _given(asked, handler, context.correlation_id)


async def _selected(request: Request, handler: Handler, context: Context) -> Answer:
    selection = Selection.of(request)
    return selection.applied(await handler(selection.request, context), request)


async def _given(asked: Callable[[], Awaitable[Answer]], handler: Handler, correlation_id: str) -> Answer:
    """Return the answer, or the problem that kept it away; that costs a line of log."""

    def refused(problem: ProblemError, reason: str, level: int = logging.WARNING) -> Answer:
        _LOGGER.log(level, "%s %s: %d (%s)", handler.__name__, correlation_id, problem.status.value, reason)
        return problem.answer(correlation_id)

    try:
        return await asked()
    except ProblemError as problem:
        return refused(problem, str(problem))
    except SettingsError as error:
        unset = ProblemError(
            HTTPStatus.INTERNAL_SERVER_ERROR, "The API is not configured; its log says what is missing."
        )
        return refused(unset, "; ".join(error.problems), logging.ERROR)
    except AzureFailure as failure:
        return refused(problem_of(failure), f"{failure.code}: {failure}", logging.ERROR)
    except Exception:
        _LOGGER.exception("%s %s: 500 (a defect of this program)", handler.__name__, correlation_id)
        defect = ProblemError(HTTPStatus.INTERNAL_SERVER_ERROR, "Something is wrong with the API itself.")
        return defect.answer(correlation_id)


def _compliance(settings: ApiSettings) -> Compliance:
    """Return the Compliance, with its cache, that all requests with these settings share in this event loop."""
    shared = _SHARED.setdefault(asyncio.get_running_loop(), {})
    if settings not in shared:
        shared[settings] = Compliance(settings)
    return shared[settings]
