"""Answers one request to the webhook: a signed notification goes to the queue. No Azure Functions types."""

import asyncio
import hashlib
import hmac
import json
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from notification_endpoint.addressed import RIGHT_ADDRESS
from notification_endpoint.notification import InvalidNotification, parse_notification
from notification_endpoint.outbox import enqueue
from publisher.errors.kinds import AzureFailure
from publisher.notifications import MalformedMessage, Notification
from publisher.retry import Sleep
from publisher.settings import NotificationSettings, SettingsError

_LOGGER = logging.getLogger(__name__)
BUDGET_SECONDS: Final = 20.0
"""Far below the 230 seconds that Azure Functions gives an HTTP answer on any plan (FACTS 7.3)."""

_ASK_AGAIN: Final = "The notification could not be taken now. Send it again later."
_QUEUED: Final = "Queued"
_NOT_JSON: Final = ("multipart/", "image/", "audio/", "video/", "text/html")


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
    media_type: str = "",
    mistake: str = "",
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    budget_seconds: float = BUDGET_SECONDS,
    sleep: Sleep = asyncio.sleep,
) -> Answer:
    """Check a request, put its message on the queue, and answer; one line of log, without payload or signature.

    `signature` is the query parameter `sig`, `variables` the environment, `media_type` the header Content-Type,
    `mistake` what is wrong with the address, which is told of and keeps no signed notification away. 200: on
    the queue. 401: wrong signature. 400: no notification. 500: wrong settings, or a defect. 503: Azure shall send it
    again, because the queue does not take it.
    """
    correlation_id = uuid.uuid4().hex
    deadline = time.monotonic() + budget_seconds
    try:
        settings = NotificationSettings.from_environment(variables)
        if not _is_signed(signature, settings.signatures):
            detail, reason = "The request is not signed.", "sig is missing or wrong"
            if mistake:
                detail, reason = f"{detail} Enter the address as {RIGHT_ADDRESS}.", f"{reason}; {_told(mistake)}"
            return _refused(HTTPStatus.UNAUTHORIZED, detail, reason, correlation_id)
        _check_media_type(media_type)
        notification = parse_notification(body, received_at=clock(), correlation_id=correlation_id)
        await enqueue(notification, settings, deadline=deadline, sleep=sleep)
        return _queued(notification, mistake)
    except (InvalidNotification, MalformedMessage) as error:
        return _refused(HTTPStatus.BAD_REQUEST, str(error), str(error), correlation_id)
    except SettingsError as error:
        reason = "; ".join(error.problems)
        return _refused(HTTPStatus.INTERNAL_SERVER_ERROR, _ASK_AGAIN, reason, correlation_id, logging.ERROR)
    except AzureFailure as failure:
        reason = f"{type(failure).__name__} {failure.code}: {failure}"
        return _refused(HTTPStatus.SERVICE_UNAVAILABLE, _ASK_AGAIN, reason, correlation_id)
    except Exception:
        _LOGGER.exception("notification %s: 500 (a defect of this program)", correlation_id)
        return Answer(HTTPStatus.INTERNAL_SERVER_ERROR, _ASK_AGAIN, correlation_id)


def _check_media_type(media_type: str) -> None:
    """Raise InvalidNotification for what is certainly no JSON; Azure does not document the type that it sends.

    A form's type is not certain: HTTP clients send it with any text when they are told nothing else.
    """
    if media_type.strip().lower().startswith(_NOT_JSON):
        raise InvalidNotification("the body is not JSON, as its media type says")


def _told(mistake: str) -> str:
    return f"the address in the plan has a mistake: {mistake}; enter {RIGHT_ADDRESS}"


def _queued(notification: Notification, mistake: str) -> Answer:
    event_type, state = (_word(part) for part in notification.kind)
    about = notification.correlation_id, event_type, state, notification.application_id
    if mistake:
        _LOGGER.warning("notification %s: %s/%s for %s: 200 queued, but %s", *about, _told(mistake))
    else:
        _LOGGER.info("notification %s: %s/%s for %s: 200 queued", *about)
    return Answer(HTTPStatus.OK, _QUEUED, notification.correlation_id)


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
