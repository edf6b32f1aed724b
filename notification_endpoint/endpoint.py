"""One HTTP request to the webhook, from its signature to its answer; free of Azure Functions' types."""

import asyncio
import hashlib
import hmac
import json
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from notification_endpoint.handler import Outcome, handle
from notification_endpoint.notification import InvalidNotification, Notification, parse_notification
from publisher.clients import shared_refresher
from publisher.settings import NotificationSettings, SettingsError

_LOGGER = logging.getLogger(__name__)
BUDGET_SECONDS: Final = 60.0
"""Far below the 230 seconds that Azure Functions gives an HTTP answer on any plan (FACTS 7.3)."""

_ATTEMPTS: Final = 3
"""Azure repeats a notification by itself: a few quick attempts are enough."""

_ASK_AGAIN: Final = "The notification could not be processed now. Send it again later."


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to the caller. It carries a correlation id, which the log has too, and nothing internal."""

    status: HTTPStatus
    detail: str
    correlation_id: str = field(default_factory=lambda: uuid.uuid4().hex)

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
    return await _process(notification, settings, clock(), budget_seconds)


async def _process(
    notification: Notification, settings: NotificationSettings, now: datetime, budget_seconds: float
) -> Answer:
    try:
        async with asyncio.timeout(budget_seconds), shared_refresher(settings, attempts=_ATTEMPTS) as refresher:
            outcome = await handle(notification, refresher, now=now, deadline=time.monotonic() + budget_seconds * 0.9)
    except TimeoutError:
        outcome = Outcome(HTTPStatus.SERVICE_UNAVAILABLE, "Timeout", "the time for the answer ran out")
    except SettingsError as error:
        return _refused(HTTPStatus.INTERNAL_SERVER_ERROR, _ASK_AGAIN, "; ".join(error.problems), logging.ERROR)
    except Exception:
        answer = Answer(HTTPStatus.INTERNAL_SERVER_ERROR, _ASK_AGAIN)
        _LOGGER.exception("notification %s: 500 (a defect of this program)", answer.correlation_id)
        return answer
    answer = Answer(outcome.status, outcome.action if outcome.status is HTTPStatus.OK else _ASK_AGAIN)
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
