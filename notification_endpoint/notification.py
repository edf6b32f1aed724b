"""Reads the payload of a notification: what must be there is checked, what only describes is taken as far as it goes.

Two schemas, Marketplace (with `plan`) and service catalog (with `applicationDefinitionId`), from azure-docs
`articles/azure-resource-manager/managed-applications/publish-notifications.md` (FACTS 1.3). An application id, an event
type and a state are enough. Messages about a refused body quote nothing of it.
"""

import re
from datetime import UTC, datetime
from typing import Final

from publisher.errors.reasons import reasons_of
from publisher.lenient_json import Members, NotJson, member, members_of, text_of
from publisher.notifications import Notification
from publisher.resource_ids import ApplicationId, InvalidResourceId, fold
from publisher.texts import printable, trimmed

LARGEST_BODY_BYTES: Final = 1024 * 1024
"""Far more than a notification has; a failed deployment's nested errors can be long."""

_LONGEST_WORD: Final = 100
_LONGEST_TEXT: Final = 1000
_TIME: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:[.,](\d{1,9}))?\s?(Z|[+-]\d{2}:?\d{2})?", re.ASCII | re.IGNORECASE
)


class InvalidNotification(ValueError):  # noqa: N818 - an outcome, like the AzureFailures
    """A body that is no notification; the message says why and quotes nothing of it."""


def parse_notification(body: bytes, *, received_at: datetime, correlation_id: str = "") -> Notification:
    """Return the notification in a request body; raise InvalidNotification.

    A time of the event that is missing, cannot be read or is later than `received_at`, which is aware, becomes
    `received_at`. A describing value that has another shape than documented is written as JSON.
    """
    if len(body) > LARGEST_BODY_BYTES:
        raise InvalidNotification(f"the body has more than {LARGEST_BODY_BYTES} bytes")
    try:
        payload = members_of(body)
        application_id = ApplicationId.parse(_required(payload, "applicationId"))
    except NotJson as error:
        raise InvalidNotification(str(error)) from None
    except InvalidResourceId:
        raise InvalidNotification("applicationId is not the id of a managed application") from None
    plan = member(payload, "plan")
    error_code, error_message = _error(member(payload, "error"))
    return Notification(
        event_type=_word(payload, "eventType"),
        provisioning_state=_word(payload, "provisioningState"),
        application_id=application_id,
        event_time=min(_time(member(payload, "eventTime")) or received_at, received_at),
        received_at=received_at,
        correlation_id=correlation_id,
        plan_publisher=_member(plan, "publisher"),
        plan_product=_member(plan, "product"),
        plan_name=_member(plan, "name"),
        plan_version=_member(plan, "version"),
        application_definition_id=_text(member(payload, "applicationDefinitionId")),
        error_code=error_code,
        error_message=error_message,
    )


def _required(payload: Members, name: str) -> str:
    """Return the text that must be there, trimmed; raise InvalidNotification, too, for several that differ."""
    values = payload.all_of(name)
    if not values:
        raise InvalidNotification(f"{name} is missing")
    if not all(isinstance(value, str) for value in values):
        raise InvalidNotification(f"{name} is not text")
    texts = {fold(text): text for value in values if (text := trimmed(value))}
    if not texts:
        raise InvalidNotification(f"{name} is empty")
    if len(texts) > 1:
        raise InvalidNotification(f"{name} occurs twice, with different values")
    return next(iter(texts.values()))


def _word(payload: Members, name: str) -> str:
    return printable(_required(payload, name), longest=_LONGEST_WORD)


def _error(value: object) -> tuple[str, str]:
    """Return the innermost code and message of a deployment's error, and after that message what it came wrapped in.

    An error in which no reason can be found is a message as a whole.
    """
    reasons = reasons_of(value)
    if not reasons.chain:
        return "", _text(value)
    code, message = reasons.code, reasons.message
    around: list[str] = []
    for reason in reversed(reasons.chain):
        told = (reason.code if reason.code != code else "", reason.message if reason.message != message else "")
        around.append(": ".join(filter(None, told)))
    wrapping = "; ".join(dict.fromkeys(filter(None, around)))
    return _text(code), _text(f"{message} ({wrapping})" if message and wrapping else message or wrapping)


def _member(container: object, name: str) -> str:
    return _text(member(container, name))


def _text(value: object) -> str:
    """Return a describing value as printable text, whatever its shape; "" for none."""
    if value is None:
        return ""
    return printable(value if isinstance(value, str) else text_of(value), longest=_LONGEST_TEXT)


def _time(value: object) -> datetime | None:
    """Return a time in UTC, None for what is none; Azure sends seven digits of fraction, of which Python keeps six."""
    matched = _TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    if not matched:
        return None
    day, seconds, fraction, offset = matched.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{seconds}.{(fraction or '0')[:6]:0<6}{(offset or 'Z').upper()}")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
