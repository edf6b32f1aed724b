"""A notification about a managed application, and the message that carries it from the webhook to the worker.

A message means: look at this application, this happened. It is JSON of at most 8 KB.
"""

from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from publisher.resource_ids import ApplicationId, InvalidResourceId
from publisher.texts import word

NOTIFICATIONS_QUEUE: Final = "notifications"
POISONED_NOTIFICATIONS_QUEUE: Final = "notifications-poison"
LARGEST_MESSAGE_BYTES: Final = 8 * 1024
_LENGTHS: Final = ((500, 500), (100, 500), (100, 100), (0, 100), (0, 0))
"""To how many characters texts are cut, one step after the other: those of the plan, and those of an error."""

_VERSION: Final = 1


class MalformedMessage(ValueError):  # noqa: N818 - an outcome, like the AzureFailures
    """A message that no webhook of ours sent; the text says what is wrong and quotes nothing of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One notification. `event_type` and `provisioning_state` are as sent, which may be something new.

    `event_time` is when it happened, as Azure says: the time of receipt where Azure said nothing that can be read, or
    a time in the future. `correlation_id` names the request in the webhook's log. The other texts only describe, are
    cut, and are "" where the payload has none; the plan is what the event says, ARM is asked for what is true now.
    """

    event_type: str
    provisioning_state: str
    application_id: ApplicationId
    event_time: datetime
    received_at: datetime
    correlation_id: str = ""
    plan_publisher: str = ""
    plan_product: str = ""
    plan_name: str = ""
    plan_version: str = ""
    application_definition_id: str = ""
    error_code: str = ""
    error_message: str = ""

    @property
    def kind(self) -> tuple[str, str]:
        """Event type and provisioning state as Azure documents them, however they were sent: ("PUT", "Succeeded")."""
        return word(self.event_type).upper(), word(self.provisioning_state).capitalize()


_TIMES: Final = ("event_time", "received_at")
_DESCRIBING: Final = (
    "plan_publisher",
    "plan_product",
    "plan_name",
    "plan_version",
    "application_definition_id",
    "error_code",
    "error_message",
)
_REASON: Final = ("error_code", "error_message")
_TEXTS: Final = ("event_type", "provisioning_state", "correlation_id", *_DESCRIBING)


def message_of(notification: Notification) -> str:
    """Return the message about a notification; texts that only describe are cut until it is small enough.

    Those that say why a deployment failed are cut last.
    """
    for longest, longest_reason in _LENGTHS:
        lengths = dict.fromkeys(_DESCRIBING, longest) | dict.fromkeys(_REASON, longest_reason)
        cut = replace(notification, **{name: getattr(notification, name)[:length] for name, length in lengths.items()})
        encoded = orjson.dumps(_document(cut))
        if len(encoded) <= LARGEST_MESSAGE_BYTES:
            return encoded.decode()
    raise MalformedMessage("the application id, event type or state is too long for a message")


def _document(notification: Notification) -> dict[str, Any]:
    document = {field.name: getattr(notification, field.name) for field in fields(notification)}
    times = {name: document[name].astimezone(UTC).isoformat() for name in _TIMES}
    return document | times | {"application_id": str(notification.application_id), "version": _VERSION}


def notification_in(message: bytes) -> Notification:
    """Return the notification in a message; raise MalformedMessage. A time of the future becomes that of receipt."""
    try:
        document = orjson.loads(message)
    except orjson.JSONDecodeError:
        raise MalformedMessage("the message is not JSON") from None
    if not isinstance(document, dict) or document.get("version") != _VERSION:
        raise MalformedMessage(f"the message is no notification of version {_VERSION}")
    texts = {name: document.get(name, "") for name in _TEXTS}
    if wrong := [name for name, value in texts.items() if not isinstance(value, str)]:
        raise MalformedMessage(f"{wrong[0]} is not text")
    try:
        application_id = ApplicationId.parse(document.get("application_id", ""))
    except (InvalidResourceId, TypeError, AttributeError):
        raise MalformedMessage("application_id is not the id of a managed application") from None
    received_at, event_time = (_time(document, name) for name in ("received_at", "event_time"))
    return Notification(
        application_id=application_id, received_at=received_at, event_time=min(event_time, received_at), **texts
    )


def _time(document: dict[str, Any], name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(document[name])
        return moment.astimezone(UTC)
    except (KeyError, TypeError, ValueError, OverflowError):
        raise MalformedMessage(f"{name} is no time") from None
