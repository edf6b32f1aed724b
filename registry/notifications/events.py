"""The rows of ManagedApplicationEvents_CL about a notification: what it told, and what became of it so far.

Azure delivers at least once, and one event has a row when it is taken in and one when ARM has answered. They share
their Event_id, and the latest row has the final outcome.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from publisher.errors.kinds import AzureFailure
from publisher.notifications import Notification
from publisher.resource_ids import fold
from registry.events import Event, Plan, digest_of, iso_text
from registry.registry import Registry
from registry.rows import customer_name_of

PENDING: Final = "Pending"
SUPERSEDED: Final = "Superseded"
IGNORED: Final = "Ignored"
NOT_OURS: Final = "NotOurs"
GIVEN_UP: Final = "GivenUp"
UNUSABLE: Final = "Unusable"
NOT_TOLD: Final = "NotTold"
"""Of a row that tells of many notifications, none of which has a row of its own."""

NOTIFICATIONS: Final = "Notifications"
"""The event type of such a row."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a notification: a `registry.refresh.Change` or one of the words above.

    `reason` says why; `error` is set as long as the application could not be taken into the registry.
    """

    action: str
    reason: str = ""
    error: str = ""


def event_id(notification: Notification) -> str:
    """Return the id that all deliveries of one event share: 32 hexadecimal digits, of its application, kind and time.

    Azure sends no id of its own (FACTS 1.3).
    """
    about = fold(str(notification.application_id))
    return digest_of(about, *notification.kind, iso_text(notification.event_time))


def event_row(
    notification: Notification, outcome: Outcome, *, stored_at: datetime, customer_name: str = ""
) -> dict[str, Any]:
    """Return the row; `stored_at` becomes TimeGenerated, and `customer_name` is the operator's, "" for none."""
    event_type, provisioning_state = notification.kind
    return Event(
        event_type=event_type,
        action=outcome.action,
        happened_at=notification.event_time,
        received_at=notification.received_at,
        application_id=notification.application_id,
        event_id=event_id(notification),
        provisioning_state=provisioning_state,
        customer_name=customer_name,
        plan=Plan(
            notification.plan_publisher,
            notification.plan_product,
            notification.plan_name,
            notification.plan_version,
            notification.application_definition_id,
        ),
        error_code=notification.error_code,
        error_message=notification.error_message,
        registry_error=outcome.error,
        reason=outcome.reason,
        correlation_id=notification.correlation_id,
    ).row(stored_at)


def not_told_row(about: str, above: int, *, at: datetime) -> dict[str, Any]:
    """Return the row that says how many notifications of an hour have no rows of their own, and whom they are about."""
    return Event(
        event_type=NOTIFICATIONS,
        action=NOT_TOLD,
        happened_at=at,
        received_at=at,
        registry_error=about,
        reason=f"in the hour of {at:%H}:00 UTC one instance of the worker told no rows of {above} more notifications "
        f"about {about}",
    ).row(at)


async def customer_name(registry: Registry, notification: Notification) -> str:
    """Return the operator's name for the customer, "" when none was set or the registry cannot be read."""
    try:
        row = await registry.find(notification.application_id)
    except AzureFailure:
        return ""  # the event itself is worth more than its description
    return customer_name_of(row) if row else ""
