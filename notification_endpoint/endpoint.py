"""Answers one request to the webhook: signature, payload, handler, event row. No Azure Functions types."""

import asyncio
import hashlib
import hmac
import json
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
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

_HANDLED_BY: Final = 0.7
_NAMED_BY: Final = 0.78
_STORED_BY: Final = 0.95
"""Shares of the budget after which handling, reading the customer's name and storing the event are given up."""

_ATTEMPTS: Final = 3
"""Azure repeats a notification by itself: a few quick attempts are enough."""

_ASK_AGAIN: Final = "The notification could not be processed now. Send it again later."


@dataclass(frozen=True, slots=True)
class Answer:
    """The HTTP answer. `correlation_id` (32 hexadecimal digits) names the request in the log and in its event, too."""

    status: HTTPStatus
    detail: str
    correlation_id: str

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

    `signature` is the query parameter `sig`, `variables` the environment. 200: done, or ignored on purpose. 401:
    wrong signature. 400: no notification. 500: wrong settings, or a defect. 503: Azure shall send it again.
    """
    correlation_id = uuid.uuid4().hex
    try:
        settings = NotificationSettings.from_environment(variables)
        if not _is_signed(signature, settings.signatures):
            return _refused(
                HTTPStatus.UNAUTHORIZED, "The request is not signed.", "sig is missing or wrong", correlation_id
            )
        notification = parse_notification(body)
        outcome = await _process(
            notification, settings, clock, budget_seconds=budget_seconds, sleep=sleep, correlation_id=correlation_id
        )
        return _answered(notification, outcome, correlation_id)
    except InvalidNotification as error:
        return _refused(HTTPStatus.BAD_REQUEST, str(error), str(error), correlation_id)
    except SettingsError as error:
        reason = "; ".join(error.problems)
        return _refused(HTTPStatus.INTERNAL_SERVER_ERROR, _ASK_AGAIN, reason, correlation_id, logging.ERROR)
    except Exception:
        _LOGGER.exception("notification %s: 500 (a defect of this program)", correlation_id)
        return Answer(HTTPStatus.INTERNAL_SERVER_ERROR, _ASK_AGAIN, correlation_id)


async def _process(
    notification: Notification,
    settings: NotificationSettings,
    clock: Callable[[], datetime],
    *,
    budget_seconds: float,
    sleep: Sleep,
    correlation_id: str,
) -> Outcome:
    """Handle a notification, then store the event with what became of it: an outcome of 200 says that both are done."""
    started, now = time.monotonic(), clock()
    async with (
        shared_refresher(settings, attempts=_ATTEMPTS, sleep=sleep) as shared,
        shared_logs_endpoint(settings, attempts=_ATTEMPTS, sleep=sleep) as logs_endpoint,
    ):
        refresher = replace(shared, clock=clock)  # what it writes has to agree with the event's time
        outcome = await _handled(notification, refresher, now, started + budget_seconds * _HANDLED_BY)
        name = await _customer_name(notification, refresher.registry, started + budget_seconds * _NAMED_BY)
        row = event_row(notification, outcome, received_at=now, customer_name=name, correlation_id=correlation_id)
        deadline = started + budget_seconds * _STORED_BY
        return await _stored(row, outcome, logs_endpoint, settings.events_stream, deadline)


def _answered(notification: Notification, outcome: Outcome, correlation_id: str) -> Answer:
    is_done = outcome.status is HTTPStatus.OK
    _LOGGER.log(
        logging.INFO if is_done else logging.WARNING,
        "notification %s: %s/%s for %s: %d %s%s",
        correlation_id,
        _word(notification.event_type),
        _word(notification.provisioning_state),
        notification.application_id,
        outcome.status.value,
        outcome.action,
        f" ({outcome.reason})" if outcome.reason else "",
    )
    return Answer(outcome.status, outcome.action if is_done else _ASK_AGAIN, correlation_id)


async def _handled(notification: Notification, refresher: Refresher, now: datetime, deadline: float) -> Outcome:
    """Return what became of the notification by the deadline; raises nothing, because a failure is an event as well."""
    try:
        async with asyncio.timeout(deadline - time.monotonic()):
            return await handle(notification, refresher, now=now, deadline=deadline)
    except TimeoutError:
        return Outcome(HTTPStatus.SERVICE_UNAVAILABLE, "Timeout", "the time for the answer ran out")
    except Exception:
        _LOGGER.exception("a notification could not be handled (a defect of this program)")
        return Outcome(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError", "a defect of this program; its log has more")


async def _customer_name(notification: Notification, registry: Registry, deadline: float) -> str:
    """Return the operator's name for the customer, else the subscription id; raises nothing."""
    try:
        async with asyncio.timeout(deadline - time.monotonic()):
            row = await registry.find(notification.application_id)
    except (AzureFailure, TimeoutError):
        row = None
    return (customer_name_of(row) if row else "") or notification.application_id.subscription_id


async def _stored(
    row: dict[str, Any], outcome: Outcome, endpoint: LogsEndpoint, stream: str, deadline: float
) -> Outcome:
    """Store the event and return the outcome; 503 instead of 200 when it could not be stored, so that Azure repeats."""
    try:
        await store_event(row, endpoint, stream, deadline=deadline)
    except AzureFailure as failure:
        lost = f"the event was not stored: {failure.code}: {failure}"
        if outcome.status is HTTPStatus.OK:
            return Outcome(HTTPStatus.SERVICE_UNAVAILABLE, "EventNotStored", lost)
        return replace(outcome, reason=f"{outcome.reason}; {lost}")
    return outcome


def _is_signed(signature: str | None, expected: tuple[str, ...]) -> bool:
    """Whether the signature is one of those expected; compared in constant time, with all of them."""
    given = _digest(signature or "")
    matches = [hmac.compare_digest(given, _digest(one)) for one in expected]
    return any(matches)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _refused(status: HTTPStatus, detail: str, reason: str, correlation_id: str, level: int = logging.WARNING) -> Answer:
    _LOGGER.log(level, "notification %s: %d (%s)", correlation_id, status.value, reason)
    return Answer(status, detail, correlation_id)


def _word(text: str) -> str:
    """Return a word of the payload for a log line, or "?" when it is none: senders must not write our log."""
    return text if text.isascii() and text.isalnum() and len(text) <= 32 else "?"  # noqa: PLR2004
