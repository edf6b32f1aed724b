"""Reads and validates the payload of a notification.

Two schemas, Marketplace (with `plan`) and service catalog (with `applicationDefinitionId`), from azure-docs
`articles/azure-resource-manager/managed-applications/publish-notifications.md` (FACTS 1.3). Unknown members are
ignored; known ones must have their type. Messages about a refused body quote nothing of it.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Never

from publisher.errors import printable
from publisher.resource_ids import ApplicationId, InvalidResourceId

LARGEST_BODY_BYTES: Final = 64 * 1024
_DEEPEST: Final = 32
_TIME: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})?", re.ASCII | re.IGNORECASE
)


class InvalidNotification(ValueError):  # noqa: N818 - an outcome, like the AzureFailures
    """A body that is no notification; the message says why and quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class Notification:
    """One notification. `event_type` and `provisioning_state` are as sent, which may be something new.

    Texts are "" where the payload has none; the plan is what the event says, ARM is asked for what is true now.
    """

    event_type: str
    provisioning_state: str
    application_id: ApplicationId
    event_time: datetime
    plan_publisher: str = ""
    plan_product: str = ""
    plan_name: str = ""
    plan_version: str = ""
    application_definition_id: str = ""
    resource_usage_id: str = ""
    error_code: str = ""
    error_message: str = ""

    @property
    def kind(self) -> tuple[str, str]:
        """Event type and provisioning state in the casing that Azure documents: ("PUT", "Succeeded")."""
        return self.event_type.upper(), self.provisioning_state.capitalize()


def parse_notification(body: bytes) -> Notification:
    """Return the notification in a request body; raise InvalidNotification."""
    if len(body) > LARGEST_BODY_BYTES:
        raise InvalidNotification(f"the body has more than {LARGEST_BODY_BYTES} bytes")
    payload = _json_object(body)
    application_id = _text(payload, "applicationId", required=True)
    try:
        identity = ApplicationId.parse(application_id)
    except InvalidResourceId:
        raise InvalidNotification("applicationId is not the id of a managed application") from None
    plan, billing, error = (_object(payload, name) for name in ("plan", "billingDetails", "error"))
    return Notification(
        event_type=_text(payload, "eventType", required=True),
        provisioning_state=_text(payload, "provisioningState", required=True),
        application_id=identity,
        event_time=_time(_text(payload, "eventTime", required=True)),
        plan_publisher=_text(plan, "publisher"),
        plan_product=_text(plan, "product"),
        plan_name=_text(plan, "name"),
        plan_version=_text(plan, "version"),
        application_definition_id=_text(payload, "applicationDefinitionId"),
        resource_usage_id=_text(billing, "resourceUsageId"),
        error_code=_text(error, "code"),
        error_message=_text(error, "message"),
    )


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        payload = json.loads(body.decode("utf-8"), object_pairs_hook=_members, parse_constant=_no_constant)
    except InvalidNotification:
        raise
    except (ValueError, RecursionError):
        raise InvalidNotification("the body is not JSON in UTF-8") from None
    if not isinstance(payload, dict):
        raise InvalidNotification("the body is not a JSON object")
    _check_depth(payload)
    return payload


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise InvalidNotification("a member occurs twice")
    return members


def _no_constant(_: str) -> Never:
    raise InvalidNotification("NaN and Infinity are not JSON")


def _check_depth(payload: dict[str, Any]) -> None:
    level: list[Any] = [payload]
    for _ in range(_DEEPEST):
        level = [
            member
            for container in level
            for member in (container.values() if isinstance(container, dict) else container)
            if isinstance(member, dict | list)
        ]
        if not level:
            return
    raise InvalidNotification(f"the body is nested more than {_DEEPEST} levels deep")


def _object(payload: dict[str, Any], name: str) -> dict[str, Any]:
    value = payload.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidNotification(f"{name} is not an object")
    return value


def _text(payload: dict[str, Any], name: str, *, required: bool = False) -> str:
    value = payload.get(name)
    if value is None and not required:
        return ""
    if value is None:
        raise InvalidNotification(f"{name} is missing")
    if not isinstance(value, str):
        raise InvalidNotification(f"{name} is not text")
    if required and not value.strip():
        raise InvalidNotification(f"{name} is empty")
    return value if name == "applicationId" else printable(value, longest=1000)


def _time(text: str) -> datetime:
    """Return the time, in UTC; Azure sends seven digits of fraction, of which Python keeps six."""
    matched = _TIME.fullmatch(text)
    if not matched:
        raise InvalidNotification("eventTime is not an ISO 8601 time")
    seconds, fraction, offset = matched.groups()
    try:
        moment = datetime.fromisoformat(f"{seconds}.{(fraction or '0')[:6]:0<6}{(offset or 'Z').upper()}")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidNotification("eventTime is not a possible time") from None
