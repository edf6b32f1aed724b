"""Rows about what no notification told: what the daily job found, and what an operator did."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from publisher.logs_endpoint import LogsEndpoint
from publisher.resource_ids import ApplicationId
from registry.events import OPERATOR_EVENT, RECONCILIATION, Event, EventsNotStored, Plan, event_about, store_events
from registry.refresh import Refresher
from registry.registry import Registry
from sandbox.faults.effects import Status
from sandbox.faults.operations import TableRequest, Upload
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.registry.conftest import STREAM

NOW = datetime(2026, 3, 4, 5, 6, 7, 890123, tzinfo=UTC)


def soon() -> float:
    return time.monotonic() + 20


async def test_a_removal_is_told_with_the_plan_and_the_reason_on_the_tombstone(
    sandbox: Sandbox, refresher: Refresher, customer: Customer, identity: ApplicationId, endpoint: LogsEndpoint
) -> None:
    await refresher.refresh(identity, deadline=soon())
    customer.delete()
    await refresher.reconcile(identity, deadline=soon())
    event = await event_about(refresher.registry, identity, event_type=RECONCILIATION, action="Removed", at=NOW)
    await store_events([event], endpoint, STREAM, now=datetime.now(UTC), deadline=soon())
    [row] = sandbox.workspace.query("ManagedApplicationEvents_CL")
    assert (row["Event_type"], row["Registry_action"], row["Person"]) == ("Reconciliation", "Removed", "")
    assert (row["Plan_name"], row["Plan_version"], row["Customer_name"]) == (
        "standard",
        "1.0.0",
        customer.subscription_id,
    )
    assert "ResourceNotFound" in row["Reason"]
    assert row["Event_time"] == NOW


async def test_an_event_is_told_also_when_the_registry_cannot_describe_it(
    sandbox: Sandbox, registry: Registry, identity: ApplicationId
) -> None:
    sandbox.faults.add(TableRequest(), Status(403))
    event = await event_about(
        registry, identity, event_type=OPERATOR_EVENT, action="Removed", at=NOW, person="Ada", reason="because"
    )
    row = event.row()
    assert (row["Application_id"], row["Person"], row["Reason"]) == (str(identity), "Ada", "because")


def test_a_decision_about_a_plan_version_names_no_application() -> None:
    def row(version: str) -> dict[str, str]:
        plan = Plan(name="standard", version=version)
        return Event(
            event_type=OPERATOR_EVENT, action="BaselineDeclared", happened_at=NOW, received_at=NOW, plan=plan
        ).row()

    assert (row("1.0.0")["Application_id"], row("1.0.0")["Plan_version"]) == ("", "1.0.0")
    assert row("1.0.0")["Event_id"] == row("1.0.0")["Event_id"] != row("2.0.0")["Event_id"]


@pytest.mark.parametrize("count", [0, 1, 200, 201])
async def test_any_number_of_events_is_stored(
    sandbox: Sandbox, identity: ApplicationId, endpoint: LogsEndpoint, count: int
) -> None:
    event = Event(
        event_type=RECONCILIATION, action="Removed", happened_at=NOW, received_at=NOW, application_id=identity
    )
    await store_events([event] * count, endpoint, STREAM, now=datetime.now(UTC), deadline=soon())
    assert len(sandbox.workspace.query("ManagedApplicationEvents_CL")) == count


async def test_rows_that_are_not_stored_are_counted(
    sandbox: Sandbox, identity: ApplicationId, endpoint: LogsEndpoint
) -> None:
    sandbox.faults.add(Upload(), Status(400, code="Broken"))
    event = Event(
        event_type=RECONCILIATION, action="Removed", happened_at=NOW, received_at=NOW, application_id=identity
    )
    with pytest.raises(EventsNotStored, match="2 event rows were not stored: Broken"):
        await store_events([event, event], endpoint, STREAM, now=datetime.now(UTC), deadline=soon())
