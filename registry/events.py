"""Rows of ManagedApplicationEvents_CL: what happened to an application, and what the registry made of it.

Most tell of a notification (`notification_endpoint.events`); the others of what the daily job found, of the daily
export, or of what an operator did and why.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from publisher.errors.kinds import AzureFailure
from publisher.logs_endpoint import LogsEndpoint
from publisher.resource_ids import ApplicationId, fold
from publisher.table import Row
from registry.registry import Registry
from registry.rows import customer_name_of, text_in
from registry.tombstones import removal_in

RECONCILIATION: Final = "Reconciliation"
OPERATOR_EVENT: Final = "Operator"
EXPORT_EVENT: Final = "Export"
_ID_DIGITS: Final = 32
_ROWS_IN_A_REQUEST: Final = 200
"""A row takes about a kilobyte, and at most four; a request may have 1 MB (FACTS 3.2)."""


class EventsNotStored(Exception):  # noqa: N818 - named for what happened
    """What was done is done, and rows that tell of it were not stored; the message says how many and why."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What an application was deployed from; "" where it has none."""

    publisher: str = ""
    product: str = ""
    name: str = ""
    version: str = ""
    definition_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One row. `application_id` is None for what is about no single one: a plan version, an export.

    `event_type` is the notification's, RECONCILIATION, EXPORT_EVENT or OPERATOR_EVENT; `action` what was done.
    `received_at` is when we learned of it. `customer_name` is the operator's name for the customer, else the
    subscription id is taken.
    """

    event_type: str
    action: str
    happened_at: datetime
    received_at: datetime
    application_id: ApplicationId | None = None
    event_id: str = ""
    provisioning_state: str = ""
    customer_name: str = ""
    plan: Plan = field(default=Plan())
    error_code: str = ""
    error_message: str = ""
    registry_error: str = ""
    correlation_id: str = ""
    person: str = ""
    reason: str = ""

    def row(self, stored_at: datetime | None = None) -> dict[str, Any]:
        """Return the row; times are ISO 8601 in UTC. `stored_at` is TimeGenerated, by default `received_at`."""
        identity = self.application_id
        subscription_id = identity.subscription_id if identity else ""
        return {
            "TimeGenerated": iso_text(stored_at or self.received_at),
            "Event_id": self.event_id or self._own_id(),
            "Application_id": str(identity or ""),
            "Application_name": identity.name if identity else "",
            "Customer_name": self.customer_name or subscription_id,
            "Customer_subscription_id": subscription_id,
            "Event_type": self.event_type,
            "Provisioning_state": self.provisioning_state,
            "Plan_publisher": self.plan.publisher,
            "Plan_product": self.plan.product,
            "Plan_name": self.plan.name,
            "Plan_version": self.plan.version,
            "Application_definition_id": self.plan.definition_id,
            "Error_code": self.error_code,
            "Error_message": self.error_message,
            "Event_time": iso_text(self.happened_at),
            "Received_at": iso_text(self.received_at),
            "Registry_action": self.action,
            "Registry_error": self.registry_error,
            "Correlation_id": self.correlation_id,
            "Person": self.person,
            "Reason": self.reason,
        }

    def _own_id(self) -> str:
        about = str(self.application_id) if self.application_id else f"{self.plan.name} {self.plan.version}"
        return digest_of(fold(about), self.event_type, self.action, iso_text(self.happened_at))


def digest_of(*parts: str) -> str:
    """Return the id of an event that these texts make what it is: 32 hexadecimal digits."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:_ID_DIGITS]


def iso_text(moment: datetime) -> str:
    """Return a time as the tables have it: ISO 8601 in UTC with six digits."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


async def event_about(
    registry: Registry,
    application_id: ApplicationId,
    *,
    event_type: str,
    action: str,
    at: datetime,
    person: str = "",
    reason: str = "",
) -> Event:
    """Return an event, described with what the registry says about its application, as far as it can be read.

    Without a reason, that of the application's tombstone is taken.
    """
    try:
        row = await registry.find(application_id)
    except AzureFailure:
        row = None  # the event itself is worth more than its description
    removal = removal_in(row) if row else None
    return Event(
        event_type=event_type,
        action=action,
        happened_at=at,
        received_at=at,
        application_id=application_id,
        customer_name=customer_name_of(row) if row else "",
        plan=_plan_in(row) if row else Plan(),
        person=person,
        reason=reason or (removal.reason if removal else ""),
    )


async def store_events(
    events: Sequence[Event], endpoint: LogsEndpoint, stream: str, *, now: datetime, deadline: float
) -> None:
    """Upload the rows of events, all with `now` as TimeGenerated; raise EventsNotStored when some are not stored.

    `deadline` is in seconds of `time.monotonic`.
    """
    for first in range(0, len(events), _ROWS_IN_A_REQUEST):
        rows = [event.row(now) for event in events[first : first + _ROWS_IN_A_REQUEST]]
        try:
            await endpoint.upload_rows(stream, rows, deadline=deadline)
        except AzureFailure as failure:
            left = len(events) - first
            raise EventsNotStored(f"{left} event rows were not stored: {failure.code}: {failure}") from failure


def _plan_in(row: Row) -> Plan:
    columns = ("plan_publisher", "plan_product", "plan_name", "plan_version", "definition_id")
    return Plan(*(text_in(row.properties, column) for column in columns))
