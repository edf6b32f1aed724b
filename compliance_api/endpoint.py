"""Answers one HTTP request: access check, handler, and problem details for whatever fails. No Azure Functions types."""

import asyncio
import logging
import time
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
from compliance_api.settings import ApiSettings, is_behind_sign_in
from compliance_api.trail.inquiry import UNRECORDED, Inquiry
from compliance_api.trail.keeper import KEEPER
from publisher.audit.store import NotRecorded, leave_in_log
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
    inquiry: Inquiry

    @property
    def correlation_id(self) -> str:
        """The id by which the answer is found again."""
        return self.inquiry.correlation_id


Handler = Callable[[Request, Context], Awaitable[Answer]]
AccessCheck = Callable[[Request, ApiSettings], Principal]

_RETRY_SECONDS: Final = 30

_SHARED: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, dict[ApiSettings, Compliance]]] = WeakKeyDictionary()


async def answer(
    request: Request,
    handler: Handler,
    variables: Mapping[str, str],
    *,
    check_access: AccessCheck = require_reader,
    is_page: bool = False,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Answer:
    """Check the caller, let the handler answer, turn what goes wrong into problem details, and store the audit row.

    `variables` is the environment, `is_page` says that the request is for a file of the operations page. A refusal
    costs one line of log, without headers, bodies or queries. Nothing but a refusal goes out before its row is stored.
    """
    inquiry = Inquiry(request, correlation_id_of(request), clock(), is_behind_sign_in(variables), is_page)
    settings: ApiSettings | None = None

    async def asked() -> Answer:
        nonlocal settings
        require_sign_in(variables)
        settings = ApiSettings.from_environment(variables)
        principal = check_access(request, settings)
        context = Context(settings, _compliance(settings), principal, inquiry.began, inquiry)
        return await _selected(request, handler, context)

    given = await _given(asked, handler, inquiry.correlation_id)
    sent = delivered(request, given, inquiry.correlation_id)
    if not inquiry.needs_row(sent) or await _recorded(inquiry, given, sent, settings or _settings(variables)):
        return sent
    return delivered(request, _unrecorded().answer(inquiry.correlation_id), inquiry.correlation_id)


async def answer_of_another(
    name: str, request_of: Callable[[], Request], handler: Handler, check_access: AccessCheck, context: Context
) -> Answer:
    """Return what another handler answers to the same caller, after its own access check; problems as content, too.

    `name` is the operation's, `request_of` makes the request, or raises ProblemError. The call is noted for its row.
    """
    request, started = None, time.monotonic()

    async def asked() -> Answer:
        nonlocal request
        request = request_of()
        principal = check_access(request, context.settings)
        return await _selected(request, handler, replace(context, principal=principal))

    given = await _given(asked, handler, context.correlation_id)
    context.inquiry.note_call(name, request, given, started)
    return given


async def _recorded(inquiry: Inquiry, given: Answer, sent: Answer, settings: ApiSettings | None) -> bool:
    """Store the request's rows, or leave them in the log; tell whether the answer may go out."""
    rows = inquiry.rows(given, sent)
    why = "the API is not configured"
    if settings is not None:
        try:
            await KEEPER.keep(rows, settings)
        except NotRecorded as failure:
            why = str(failure)
        except Exception:
            _LOGGER.exception("%s: the audit row was not stored (a defect of this program)", inquiry.correlation_id)
            why = "a defect of this program"
        else:
            return True
    is_held = sent.status < HTTPStatus.BAD_REQUEST
    if is_held:
        held = _unrecorded().status.value
        rows = [replace(row, status=held, outcome="failed", reason=UNRECORDED, rows=None) for row in rows]
    leave_in_log(rows, why)
    return not is_held


def _unrecorded() -> ProblemError:
    return ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, UNRECORDED, retry_after_seconds=_RETRY_SECONDS)


def _settings(variables: Mapping[str, str]) -> ApiSettings | None:
    """Return the settings when they are right: a request that is refused before they are needed has a row, too."""
    try:
        return ApiSettings.from_environment(variables)
    except SettingsError:
        return None


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
