"""The row of ManagedApplicationEvents_CL for an accepted notification, and its upload.

Azure delivers at least once, and repeats what was answered with a 5xx, so one event can become several rows. They share
their Event_id, and the latest row has the final outcome.
"""

from datetime import datetime
from http import HTTPStatus
from typing import Any

from notification_endpoint.handler import Outcome
from notification_endpoint.notification import Notification
from publisher.logs_endpoint import LogsEndpoint
from publisher.resource_ids import fold
from registry.events import Event, Plan, digest_of, iso_text, upload_rows


def event_id(notification: Notification) -> str:
    """Return the id that all deliveries of one event share: 32 hexadecimal digits, of its application, kind and time.

    Azure sends no id of its own (FACTS 1.3).
    """
    about = fold(str(notification.application_id))
    return digest_of(about, *notification.kind, iso_text(notification.event_time))


def event_row(
    notification: Notification, outcome: Outcome, *, received_at: datetime, customer_name: str, correlation_id: str
) -> dict[str, Any]:
    """Return the row about one delivery of a notification; times are ISO 8601 in UTC.

    Args:
        notification: what Azure told.
        outcome: what was done about it, or why that failed.
        received_at: when it came in.
        customer_name: the operator's name for the customer, or the subscription id.
        correlation_id: what the answer and the log call this delivery.
    """
    event_type, provisioning_state = notification.kind
    return Event(
        event_type=event_type,
        action=str(outcome.action),
        happened_at=notification.event_time,
        received_at=received_at,
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
        registry_error="" if outcome.status is HTTPStatus.OK else outcome.reason or str(outcome.action),
        correlation_id=correlation_id,
    ).row()


async def store_event(row: dict[str, Any], endpoint: LogsEndpoint, stream: str, *, deadline: float) -> None:
    """Upload one row; raise the AzureFailure when it is not stored by `deadline` (seconds of `time.monotonic`)."""
    await upload_rows([row], endpoint, stream, deadline=deadline)
