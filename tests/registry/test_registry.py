"""The registry in real table storage (Azurite)."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from publisher.errors.kinds import AccessDenied, AzureFailure, NotFound, TransientFailure
from publisher.resource_ids import ApplicationId, ResourceGroupId
from publisher.settings import ReconcileSettings
from publisher.table import RowChanged
from registry.managed_application import ExpectedAssignment, MalformedRow, ManagedApplication, Removal
from registry.registry import Registry
from registry.rows import event_time_of, identity_of, is_tombstone
from sandbox.faults.effects import AnswerLost, CutHalfWay, Dropped, Effect, Status
from sandbox.faults.operations import TableRequest
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from tests.registry.conftest import RawTable

SUBSCRIPTION = "abcdef00-0000-4000-8000-00000000000a"
NOW = datetime(2026, 3, 4, 5, 6, 7, 890123, tzinfo=UTC)
GONE = Removal(NOW, confirmed=True, by="Azure", reason="Azure Resource Manager says ResourceNotFound")
ASSIGNMENT = ExpectedAssignment(
    "/a/policyAssignments/baseline", "Baseline", "/d/policySetDefinitions/x", "The baseline"
)


def application(
    name: str = "app", *, group: str = "rg", subscription: str = SUBSCRIPTION, **fields: Any
) -> ManagedApplication:
    fields.setdefault("customer_name", subscription)
    return ManagedApplication(
        ApplicationId(subscription, group, name), ResourceGroupId(subscription, f"mrg-{name}"), **fields
    )


def older_row(name: str = "app", *, group: str = "rg", subscription: str = SUBSCRIPTION) -> dict[str, str]:
    return {
        "subscription_id": subscription,
        "app_resource_group_name": group,
        "app_name": name,
        "mrg_name": f"mrg-{name}",
    }


async def listed(registry: Registry, only: ApplicationId | None = None) -> list[ManagedApplication | MalformedRow]:
    return [item async for item in registry.applications(only)]


async def test_what_was_stored_is_read_again(registry: Registry) -> None:
    stored = application(
        "App-1",
        group="rg(1).größe",
        plan_publisher="contoso",
        plan_product="offer",
        plan_name="standard",
        plan_version="1.2.3",
        definition_id="/definition",
        location="westeurope",
        kind="MarketPlace",
        provisioning_state="Succeeded",
        assignments=(ASSIGNMENT,),
        event_time=NOW,
        refreshed_at=NOW,
    )
    await registry.save(stored, None)
    assert await listed(registry) == [stored]
    assert await listed(registry, ApplicationId.parse(str(stored.application_id).upper().replace("SS", "ß"))) in (
        [],
        [stored],
    )


async def test_a_table_that_does_not_exist_is_a_failure_that_says_what_to_check(registry: Registry) -> None:
    with pytest.raises(NotFound, match="no registry table applications: check TABLE_NAME"):
        await listed(registry)


async def test_the_first_application_creates_the_table(registry: Registry) -> None:
    assert await registry.find(application().application_id) is None
    await registry.save(application(), None)
    assert await listed(registry) == [application()]


async def test_two_first_applications_at_once_create_one_table(registry: Registry) -> None:
    names = [f"app-{number}" for number in range(8)]
    await asyncio.gather(*(registry.save(application(name), None) for name in names))
    assert len(await listed(registry)) == len(names)


@pytest.mark.parametrize(
    ("effect", "kind"),
    [
        (Status(403), AccessDenied),
        (Status(404, code="ResourceNotFound"), NotFound),
        (Status(503, retry_after=86_400), TransientFailure),
    ],
)
async def test_a_table_that_cannot_be_read_is_never_an_empty_registry(
    sandbox: Sandbox, registry: Registry, effect: Effect, kind: type[AzureFailure]
) -> None:
    await registry.save(application(), None)
    sandbox.faults.add(TableRequest("GET"), effect)
    with pytest.raises(kind, match="registry table"):
        await listed(registry)


async def test_a_registry_is_read_over_many_pages_whatever_fails_between_them(
    sandbox: Sandbox, registry: Registry, table: RawTable
) -> None:
    names = [f"app-{number:04}" for number in range(1100)]
    await table.put_all(SUBSCRIPTION, {name: older_row(name) for name in names})
    sandbox.faults.add(TableRequest("GET"), Status(500, retry_after=0), times=2, after=1)
    sandbox.faults.add(TableRequest("GET"), CutHalfWay(), times=1)
    found = [item.application_id.name async for item in registry.applications() if item.application_id]
    assert found == names


async def test_a_write_is_guarded_against_what_others_wrote_meanwhile(registry: Registry) -> None:
    await registry.save(application(plan_version="1"), None)
    with pytest.raises(RowChanged):
        await registry.save(application(plan_version="2"), None)
    row = await registry.find(application().application_id)
    await registry.save(application(plan_version="3"), row)
    with pytest.raises(RowChanged):
        await registry.save(application(plan_version="4"), row)
    assert row
    with pytest.raises(RowChanged):
        await registry.remove(identity_of(row), row, GONE)
    assert await listed(registry) == [application(plan_version="3")]


@pytest.mark.parametrize("effect", [Dropped(), Status(503, retry_after=0)])
async def test_a_write_that_did_not_arrive_is_repeated(sandbox: Sandbox, registry: Registry, effect: Effect) -> None:
    sandbox.faults.add(TableRequest("POST"), effect, times=1)
    await registry.save(application(), None)
    assert await listed(registry) == [application()]


async def test_a_write_whose_answer_was_lost_is_read_again_before_anything_else(
    sandbox: Sandbox, registry: Registry, table: RawTable
) -> None:
    sandbox.faults.add(TableRequest("POST"), AnswerLost(), times=1)
    with pytest.raises(RowChanged):
        await registry.save(application(), None)
    assert len(await table.rows()) == 1


async def test_a_tombstone_is_no_application_but_is_found(registry: Registry) -> None:
    await registry.save(application(event_time=NOW, assignments=(ASSIGNMENT,)), None)
    row = await registry.find(application().application_id)
    assert row
    await registry.remove(identity_of(row), row, GONE, event_time=NOW.replace(year=2027))
    assert await listed(registry) == []
    assert await listed(registry, application().application_id) == []
    tombstone = await registry.find(application().application_id)
    assert tombstone
    assert is_tombstone(tombstone)
    assert event_time_of(tombstone) == NOW.replace(year=2027)
    await registry.save(application(plan_version="2"), tombstone)
    assert await listed(registry) == [application(plan_version="2", event_time=NOW.replace(year=2027))]


async def test_the_operators_name_for_a_customer_survives_every_write(registry: Registry, table: RawTable) -> None:
    await registry.save(application(), None)
    await table.put(SUBSCRIPTION, "|rg|app", customer_name="Contoso", note="call first")
    row = await registry.find(application().application_id)
    await registry.save(application(customer_name="", plan_version="2"), row)
    assert await listed(registry) == [application(customer_name="Contoso", plan_version="2")]
    assert (await table.rows())[0]["note"] == "call first"


async def test_lost_access_is_recorded_once_and_forgotten_when_it_comes_back(registry: Registry) -> None:
    await registry.save(application(), None)
    for moment in (NOW, NOW.replace(year=2027)):
        row = await registry.find(application().application_id)
        assert row
        await registry.note_lost_access(row, now=moment)
    assert await listed(registry) == [application(access_lost_at=NOW)]
    await registry.save(application(), await registry.find(application().application_id))
    assert await listed(registry) == [application()]


@pytest.mark.parametrize("partition", [SUBSCRIPTION, SUBSCRIPTION.upper()])
async def test_a_row_of_the_older_sample_is_read_refreshed_and_deleted_in_place(
    registry: Registry, table: RawTable, partition: str
) -> None:
    await table.put(partition, "App", **older_row("App", subscription=partition))
    assert await listed(registry) == [application("App", subscription=partition)]
    row = await registry.find(application("APP").application_id)
    assert row
    await registry.save(application("App", plan_version="2"), row)
    assert await listed(registry) == [application("App", plan_version="2")]
    row = await registry.find(application("App").application_id)
    assert row
    await registry.remove(identity_of(row), row, GONE)
    assert await listed(registry) == []
    (stored,) = await table.rows()
    assert (stored["PartitionKey"], stored["RowKey"], stored["mrg_name"]) == (partition, "App", "mrg-App")


async def test_the_older_samples_row_of_a_namesake_is_another_application(registry: Registry, table: RawTable) -> None:
    await table.put(SUBSCRIPTION, "app", **older_row(group="rg-1"))
    assert await registry.find(application(group="rg-2").application_id) is None
    await registry.save(application(group="rg-2"), None)
    assert {item.application_id for item in await listed(registry)} == {
        ApplicationId(SUBSCRIPTION, "rg-1", "app"),
        ApplicationId(SUBSCRIPTION, "rg-2", "app"),
    }


@pytest.mark.parametrize("name", ["app", "größe", "日本"])  # row keys before and after ours
async def test_an_application_with_several_rows_is_yielded_once(registry: Registry, table: RawTable, name: str) -> None:
    await registry.save(application(name, plan_version="ours"), None)
    for partition in (SUBSCRIPTION, SUBSCRIPTION.upper()):
        await table.put(partition, name, **older_row(name, subscription=partition))
    await table.put(SUBSCRIPTION, name.upper(), **older_row(name))
    assert await listed(registry) == [application(name, plan_version="ours")]
    row = await registry.find(application(name).application_id)
    assert row
    await registry.remove(identity_of(row), row, GONE)
    assert await listed(registry) == []


async def test_older_rows_in_two_casings_are_one_application(registry: Registry, table: RawTable) -> None:
    for partition in (SUBSCRIPTION, SUBSCRIPTION.upper()):
        await table.put(partition, "app", **older_row(subscription=partition))
    assert await listed(registry) == [application()]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"mrg_name": None}, "mrg_name is missing"),
        ({"mrg_name": ""}, "mrg_name is empty"),
        ({"mrg_name": 7}, "mrg_name is not text"),
        ({"mrg_name": "a/b"}, "managed resource group"),
        ({"mrg_name": "not allowed!"}, "managed resource group"),
        ({"app_name": None}, "app_name is missing"),
        ({"app_name": True}, "app_name is not text"),
        ({"app_resource_group_name": 1.5}, "app_resource_group_name is not text"),
        ({"subscription_id": "nobody's"}, "the subscription id is not a GUID"),
        ({"subscription_id": None}, "subscription_id is missing"),
        ({"application_id": "nonsense"}, "not the id of a managed application"),
        ({"application_id": b"bytes"}, "application_id is not text"),
        ({"status": "paused"}, "status is 'paused'"),
        ({"status": 0}, "status is '0'"),
    ],
)
async def test_a_malformed_row_is_told_and_the_others_are_read(
    registry: Registry, table: RawTable, changes: dict[str, Any], reason: str
) -> None:
    row = {name: value for name, value in (older_row("bad") | changes).items() if value is not None}
    await table.put(SUBSCRIPTION, "bad", **row)
    await table.put(SUBSCRIPTION, "good", **older_row("good"))
    first, second = sorted(await listed(registry), key=lambda item: isinstance(item, ManagedApplication))
    assert isinstance(first, MalformedRow)
    assert first.name == f"{SUBSCRIPTION}/bad"
    assert reason in first.reason
    assert second == application("good")


async def test_a_malformed_row_says_whose_it_is_when_it_can(registry: Registry, table: RawTable) -> None:
    await table.put(SUBSCRIPTION, "app", **older_row() | {"mrg_name": ""})
    (row,) = await listed(registry)
    assert isinstance(row, MalformedRow)
    assert row.application_id == application().application_id
    assert row.subscription_id == SUBSCRIPTION
    found = await registry.find(application().application_id)
    await registry.save(application(), found)
    assert await listed(registry) == [application()]


async def test_a_row_under_our_key_that_is_about_another_application_is_malformed(
    registry: Registry, table: RawTable
) -> None:
    await table.put(SUBSCRIPTION, "|rg|other", **older_row())
    (row,) = await listed(registry)
    assert isinstance(row, MalformedRow)
    assert "keys belong to another application" in row.reason


async def test_what_only_describes_is_read_as_far_as_possible(registry: Registry, table: RawTable) -> None:
    await table.put(
        SUBSCRIPTION,
        "app",
        **older_row() | {"subscription_id": UUID(SUBSCRIPTION)},  # type: ignore[dict-item]
        customer_name=4711,
        plan_version=1.5,
        location=True,
        kind=b"bytes",
        event_time="yesterday",
        refreshed_at=NOW,
        assignments="[{",
        unknown="kept",
    )
    (read,) = await listed(registry)
    assert read == application(customer_name="4711", plan_version="1.5", location="True", refreshed_at=NOW)


@pytest.mark.parametrize(
    "text",
    ["", "[{", "null", "{}", "[1]", '[{"id": "/a"}]', '[{"id": 1, "display_name": "", "definition_id": "", "definition_display_name": ""}]',
     '[{"id": "", "display_name": "", "definition_id": "", "definition_display_name": ""}]', "7"],
)  # fmt: skip
async def test_assignments_that_cannot_be_read_are_unknown_and_not_none(
    registry: Registry, table: RawTable, text: str
) -> None:
    await table.put(SUBSCRIPTION, "app", **older_row(), assignments=text)
    (read,) = await listed(registry)
    assert isinstance(read, ManagedApplication)
    assert read.assignments is None


async def test_no_assignments_are_not_unknown_ones(registry: Registry) -> None:
    await registry.save(application(assignments=()), None)
    (read,) = await listed(registry)
    assert isinstance(read, ManagedApplication)
    assert read.assignments == ()


async def test_assignments_too_long_for_a_property_lose_their_names_and_never_the_row(registry: Registry) -> None:
    many = tuple(replace(ASSIGNMENT, id=f"/assignments/{number}", display_name="ö😀" * 200) for number in range(50))
    await registry.save(application(assignments=many), None)
    (read,) = await listed(registry)
    assert isinstance(read, ManagedApplication)
    assert read.assignments
    assert [one.id for one in read.assignments] == [one.id for one in many]
    assert {one.display_name for one in read.assignments} == {""}
    far_too_many = tuple(replace(ASSIGNMENT, id="/assignments/" + "x" * 900) for _ in range(50))
    await registry.save(application(assignments=far_too_many), await registry.find(application().application_id))
    (read,) = await listed(registry)
    assert isinstance(read, ManagedApplication)
    assert read.assignments is None


async def test_nothing_from_outside_alters_a_table_query(registry: Registry, table: RawTable) -> None:
    await table.put(SUBSCRIPTION, "app", **older_row())
    await table.put("x' or PartitionKey ne '", "'", **older_row())
    assert len(await listed(registry)) == 1
    assert await registry.find(ApplicationId(SUBSCRIPTION, "rg", "or")) is None


async def test_the_registry_is_reached_with_the_apps_own_identity(identity_sandbox: Sandbox) -> None:
    settings = ReconcileSettings.from_environment(identity_sandbox.environment)
    assert settings.storage.connection_string is None
    async with Registry(settings) as registry:
        await registry.save(application(), None)
        assert await listed(registry) == [application()]
    assert identity_sandbox.directory.tokens_issued() == {"https://storage.azure.com": 1}
    assert identity_sandbox.requests.of(Service.ENTRA_ID) == []


async def test_no_key_of_the_account_is_ever_logged(
    registry: Registry, settings: ReconcileSettings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await registry.save(application(), None)
    connection = settings.storage.connection_string
    assert connection
    key = dict(part.split("=", 1) for part in connection.strip(";").split(";"))["AccountKey"]
    assert key not in caplog.text
