"""The registry in real table storage (Azurite)."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

import pytest

from publisher.errors.kinds import AccessDenied, AzureFailure, NotFound, TransientFailure
from publisher.resource_ids import ApplicationId
from publisher.settings import ReconcileSettings
from publisher.table import RowChanged
from registry.managed_application import ManagedApplication
from registry.registry import Registry
from registry.rows import event_time_of, identity_of, is_tombstone
from sandbox.faults.effects import AnswerLost, CutHalfWay, Dropped, Effect, Status
from sandbox.faults.operations import TableRequest
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from tests.registry.conftest import RawTable
from tests.registry.stored import ASSIGNMENT, GONE, NOW, SUBSCRIPTION, application, listed, older_row


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
