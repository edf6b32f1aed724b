"""One HTTP request to the webhook, from its signature to its answer; free of Azure Functions' types."""

import asyncio
import hashlib
import hmac
import json
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

from notification_endpoint.events import event_row, store_event
from notification_endpoint.handler import Outcome, handle
from notification_endpoint.notification import InvalidNotification, Notification, parse_notification
from publisher.errors import AzureFailure
from publisher.logs_endpoint import LogsEndpoint
from publisher.retry import Sleep
from publisher.settings import NotificationSettings, SettingsError
from registry.clients import shared_logs_endpoint, shared_refresher
from registry.refresh import Refresher
from registry.registry import Registry
from registry.rows import customer_name_of

_LOGGER = logging.getLogger(__name__)
BUDGET_SECONDS: Final = 60.0
"""Far below the 230 seconds that Azure Functions gives an HTTP answer on any plan (FACTS 7.3)."""

_HANDLING_SHARE: Final = 0.7
_NAMING_SHARE: Final = 0.78
_STORING_SHARE: Final = 0.95
"""By when, of the budget, the notification is handled, the customer's name is known and the event is stored."""

_ATTEMPTS: Final = 3
"""Azure repeats a notification by itself: a few quick attempts are enough."""

_ASK_AGAIN: Final = "The notification could not be processed now. Send it again later."


def new_correlation_id() -> str:
    """Return what an answer, the log and the event call one request: 32 hexadecimal digits."""
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to the caller. It carries a correlation id, which the log has too, and nothing internal."""

    status: HTTPStatus
    detail: str
    correlation_id: str = field(default_factory=new_correlation_id)

    @property
    def media_type(self) -> str:
        """JSON, or RFC 9457's problem details for an error."""
        return "application/json" if self.status < HTTPStatus.BAD_REQUEST else "application/problem+json"

    @property
    def body(self) -> str:
        """The JSON text."""
        if self.status < HTTPStatus.BAD_REQUEST:
            return json.dumps({"result": self.detail, "correlationId": self.correlation_id})
        problem = {"title": self.status.phrase, "status": self.status.value, "detail": self.detail}
        return json.dumps(problem | {"correlationId": self.correlation_id})


async def answer_notification(
    body: bytes,
    signature: str | None,
    variables: Mapping[str, str],
    *,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    budget_seconds: float = BUDGET_SECONDS,
    sleep: Sleep = asyncio.sleep,
) -> Answer:
    """Check, process and answer one request; one line of log, without payload or signature.

    `signature` is the query parameter `sig`, `variables` the environment. 200: done, or knowingly ignored. 401: wrong
    signature. 400: no notification. 500: wrong settings. 503: something that may pass.
    """
    try:
        settings = NotificationSettings.from_environment(variables)
    except SettingsError as error:
        return _refused(HTTPStatus.INTERNAL_SERVER_ERROR, _ASK_AGAIN, "; ".join(error.problems), logging.ERROR)
    if not _is_signed(signature, settings.signatures):
        return _refused(HTTPStatus.UNAUTHORIZED, "The request is not signed.", "sig is missing or wrong")
    try:
        notification = parse_notification(body)
    except InvalidNotification as error:
        return _refused(HTTPStatus.BAD_REQUEST, str(error), str(error))
    return await _process(notification, settings, clock(), budget_seconds, sleep)


async def _process(
    notification: Notification, settings: NotificationSettings, now: datetime, budget_seconds: float, sleep: Sleep
) -> Answer:
    """Handle a notification, then store the event with what became of it: an answer of 200 says that both are done."""
    correlation_id = new_correlation_id()
    started = time.monotonic()
    try:
        async with (
            shared_refresher(settings, attempts=_ATTEMPTS, sleep=sleep) as refresher,
            shared_logs_endpoint(settings, attempts=_ATTEMPTS, sleep=sleep) as logs_endpoint,
        ):
            outcome = await _handled(notification, refresher, now, started + budget_seconds * _HANDLING_SHARE)
            row = event_row(
                notification,
                outcome,
                received_at=now,
                customer_name=await _customer_name(
                    notification, refresher.registry, started + budget_seconds * _NAMING_SHARE
                ),
                correlation_id=correlation_id,
            )
            deadline = started + budget_seconds * _STORING_SHARE
            outcome = await _stored(row, outcome, logs_endpoint, settings.events_stream, deadline)
    except SettingsError as error:
        return _refused(HTTPStatus.INTERNAL_SERVER_ERROR, _ASK_AGAIN, "; ".join(error.problems), logging.ERROR)
    except Exception:
        _LOGGER.exception("notification %s: 500 (a defect of this program)", correlation_id)
        return Answer(HTTPStatus.INTERNAL_SERVER_ERROR, _ASK_AGAIN, correlation_id)
    answer = Answer(outcome.status, outcome.action if outcome.status is HTTPStatus.OK else _ASK_AGAIN, correlation_id)
    _LOGGER.log(
        logging.INFO if outcome.status is HTTPStatus.OK else logging.WARNING,
        "notification %s: %s/%s for %s: %d %s%s",
        answer.correlation_id,
        _word(notification.event_type),
        _word(notification.provisioning_state),
        notification.application_id,
        outcome.status.value,
        outcome.action,
        f" ({outcome.reason})" if outcome.reason else "",
    )
    return answer


async def _handled(notification: Notification, refresher: Refresher, now: datetime, deadline: float) -> Outcome:
    """Handle a notification by the deadline; never raises, because also what failed is an event to be stored."""
    try:
        async with asyncio.timeout(deadline - time.monotonic()):
            return await handle(notification, refresher, now=now, deadline=deadline)
    except TimeoutError:
        return Outcome(HTTPStatus.SERVICE_UNAVAILABLE, "Timeout", "the time for the answer ran out")
    except Exception:
        _LOGGER.exception("a notification could not be handled (a defect of this program)")
        return Outcome(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError", "a defect of this program; its log has more")


async def _customer_name(notification: Notification, registry: Registry, deadline: float) -> str:
    """Return the operator's name for the customer; the subscription id when there is none, or it cannot be read now."""
    try:
        async with asyncio.timeout(deadline - time.monotonic()):
            row = await registry.find(notification.application_id)
    except (AzureFailure, TimeoutError):
        row = None
    return (customer_name_of(row) if row else "") or notification.application_id.subscription_id


async def _stored(
    row: dict[str, Any], outcome: Outcome, endpoint: LogsEndpoint, stream: str, deadline: float
) -> Outcome:
    """Store the event and return the outcome; one that was good is not, as long as nobody can see the event."""
    try:
        await store_event(row, endpoint, stream, deadline=deadline)
    except AzureFailure as failure:
        lost = f"the event was not stored: {failure.code}: {failure}"
        if outcome.status is HTTPStatus.OK:
            return Outcome(HTTPStatus.SERVICE_UNAVAILABLE, "EventNotStored", lost)
        return replace(outcome, reason=f"{outcome.reason}; {lost}")
    return outcome


def _is_signed(signature: str | None, expected: tuple[str, ...]) -> bool:
    """Compare with every valid signature, in a time that tells nothing about how much of it was right."""
    given = _digest(signature or "")
    matches = [hmac.compare_digest(given, _digest(one)) for one in expected]
    return any(matches)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _refused(status: HTTPStatus, detail: str, reason: str, level: int = logging.WARNING) -> Answer:
    answer = Answer(status, detail)
    _LOGGER.log(level, "notification %s: %d (%s)", answer.correlation_id, status.value, reason)
    return answer


def _word(text: str) -> str:
    """Return a word of the payload as far as it can be one of Azure's, so that a log line stays ours."""
    return text if text.isascii() and text.isalnum() and len(text) <= 32 else "?"  # noqa: PLR2004
