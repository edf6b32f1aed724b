"""The row of ManagedApplicationEvents_CL for an accepted notification, and its upload.

Azure delivers at least once, and repeats what was answered with a 5xx, so one event can become several rows. They share
their Event_id, and the latest row has the final outcome.
"""

import gzip
import hashlib
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

import orjson

from notification_endpoint.handler import Outcome
from notification_endpoint.notification import Notification
from publisher.logs_endpoint import LogsEndpoint
from publisher.resource_ids import fold

_ID_DIGITS: Final = 32


def event_id(notification: Notification) -> str:
    """Return the id that all deliveries of one event share: 32 hexadecimal digits, of its application, kind and time.

    Azure sends no id of its own (FACTS 1.3).
    """
    parts = fold(str(notification.application_id)), *notification.kind, _text_of(notification.event_time)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:_ID_DIGITS]


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
    identity = notification.application_id
    event_type, provisioning_state = notification.kind
    return {
        "TimeGenerated": _text_of(received_at),
        "Event_id": event_id(notification),
        "Application_id": str(identity),
        "Application_name": identity.name,
        "Customer_name": customer_name,
        "Customer_subscription_id": identity.subscription_id,
        "Event_type": event_type,
        "Provisioning_state": provisioning_state,
        "Plan_publisher": notification.plan_publisher,
        "Plan_product": notification.plan_product,
        "Plan_name": notification.plan_name,
        "Plan_version": notification.plan_version,
        "Application_definition_id": notification.application_definition_id,
        "Error_code": notification.error_code,
        "Error_message": notification.error_message,
        "Event_time": _text_of(notification.event_time),
        "Received_at": _text_of(received_at),
        "Registry_action": str(outcome.action),
        "Registry_error": "" if outcome.status is HTTPStatus.OK else outcome.reason or str(outcome.action),
        "Correlation_id": correlation_id,
    }


async def store_event(row: dict[str, Any], endpoint: LogsEndpoint, stream: str, *, deadline: float) -> None:
    """Upload one row; raise the AzureFailure when it is not stored by `deadline` (seconds of `time.monotonic`)."""
    await endpoint.upload(stream, gzip.compress(orjson.dumps([row]), mtime=0), deadline=deadline)


def _text_of(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
