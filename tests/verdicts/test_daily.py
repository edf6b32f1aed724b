"""The daily job: whoever vanished is found again, whoever is gone gets a confirmed end, and both are told."""

from __future__ import annotations

import time
from dataclasses import replace

import azure.functions as func
import pytest

from publisher.errors.kinds import AccessDenied
from publisher.logs_endpoint import LogsEndpoint
from publisher.resource_ids import ApplicationId
from publisher.settings import SettingsError
from registry.events import EventsNotStored
from registry.managed_application import ManagedApplication
from registry.reconcile import ReconciliationFailed
from registry.refresh import Refresher
from registry.registry import Registry
from sandbox.faults.effects import Status
from sandbox.faults.operations import ApplicationRead, TableRequest, Upload
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from sandbox.world.customers import Customer
from tests.operations.ledger_facts import assignment, facts
from tests.registry.conftest import STREAM, RawTable, arm, endpoint, ownership, refresher, table
from verdicts import blueprint as daily_blueprint
from verdicts.daily import DailyResult, hold_against_azure
from verdicts.ledger import LEDGER_TABLE, Ledger

__all__ = ["RawTable", "arm", "endpoint", "ownership", "refresher", "table"]


@pytest.fixture
def customer(sandbox: Sandbox) -> Customer:
    return sandbox.arm.add_customer("Contoso")


@pytest.fixture
async def vanished(sandbox: Sandbox, refresher: Refresher, ledger: Ledger, customer: Customer) -> Customer:
    """A customer whom the ledger knows, and who has no row in a registry that knows somebody else."""
    await register(refresher, sandbox.arm.add_customer("Fabrikam"))
    await ledger.write(facts(customer, assignment(customer, "baseline", "storage1")), replacing=None)
    return customer


async def register(refresher: Refresher, *customers: Customer) -> None:
    for customer in customers:
        await refresher.refresh(ApplicationId.parse(customer.application_id), deadline=time.monotonic() + 30)


async def daily(refresher: Refresher, ledger: Ledger, endpoint: LogsEndpoint) -> DailyResult:
    return await hold_against_azure(refresher, ledger, endpoint, STREAM, deadline=time.monotonic() + 90)


async def listed(registry: Registry) -> set[str]:
    return {str(item.application_id) async for item in registry.applications() if isinstance(item, ManagedApplication)}


def told(sandbox: Sandbox) -> list[tuple[str, str, str]]:
    rows = sandbox.workspace.query("ManagedApplicationEvents_CL | order by Application_id asc")
    return [(row["Event_type"], row["Registry_action"], row["Application_id"]) for row in rows]


async def test_an_application_that_vanished_is_registered_again_when_arm_knows_it(
    sandbox: Sandbox, refresher: Refresher, ledger: Ledger, endpoint: LogsEndpoint, vanished: Customer
) -> None:
    result = await daily(refresher, ledger, endpoint)
    result.raise_for_failures()
    assert result.reconciliation.changes == {"Updated": 1, "Registered": 1}
    assert vanished.application_id in await listed(refresher.registry)
    assert told(sandbox) == [("Reconciliation", "Registered", vanished.application_id)]
    assert (await daily(refresher, ledger, endpoint)).reconciliation.told == []


async def test_who_is_registered_again_keeps_the_name_that_the_ledger_remembers(
    sandbox: Sandbox, refresher: Refresher, ledger: Ledger, endpoint: LogsEndpoint, customer: Customer
) -> None:
    named = replace(facts(customer, assignment(customer, "baseline", "storage1")), customer_name="Contoso Ltd")
    await register(refresher, nameless := sandbox.arm.add_customer("Fabrikam"))
    await ledger.write(named, replacing=None)

    (await daily(refresher, ledger, endpoint)).raise_for_failures()

    found = [one async for one in refresher.registry.applications() if isinstance(one, ManagedApplication)]
    names = {str(one.application_id): one.customer_name for one in found}
    assert names == {customer.application_id: "Contoso Ltd", nameless.application_id: nameless.subscription_id}
    [event] = sandbox.workspace.query("ManagedApplicationEvents_CL")
    assert event["Customer_name"] == "Contoso Ltd"


async def test_an_application_that_vanished_and_does_not_exist_gets_a_confirmed_end(
    sandbox: Sandbox, refresher: Refresher, ledger: Ledger, endpoint: LogsEndpoint, vanished: Customer
) -> None:
    vanished.delete()
    (await daily(refresher, ledger, endpoint)).raise_for_failures()
    removal = await refresher.registry.removal_of(ApplicationId.parse(vanished.application_id))
    assert removal
    assert (removal.confirmed, removal.by) == (True, "Azure")
    assert told(sandbox) == [("Reconciliation", "DeletionConfirmed", vanished.application_id)]


async def test_an_application_that_vanished_and_is_denied_to_us_stays_as_it_is(
    sandbox: Sandbox, refresher: Refresher, ledger: Ledger, endpoint: LogsEndpoint, vanished: Customer
) -> None:
    vanished.revoke_access()
    (await daily(refresher, ledger, endpoint)).raise_for_failures()
    assert await refresher.registry.find(ApplicationId.parse(vanished.application_id)) is None
    assert told(sandbox) == []


async def test_an_application_whose_removal_is_confirmed_has_not_vanished(
    sandbox: Sandbox, refresher: Refresher, ledger: Ledger, endpoint: LogsEndpoint, vanished: Customer
) -> None:
    vanished.delete()
    await daily(refresher, ledger, endpoint)
    sandbox.requests.clear()
    (await daily(refresher, ledger, endpoint)).raise_for_failures()
    asked = sandbox.requests.of(Service.RESOURCE_MANAGER, path_part=vanished.application_id)
    assert len(asked) == 1, "its tombstone is revisited, as every one"


async def test_one_that_vanished_and_cannot_be_asked_about_is_a_failure_of_its_own(
    sandbox: Sandbox, refresher: Refresher, ledger: Ledger, endpoint: LogsEndpoint, vanished: Customer
) -> None:
    sandbox.faults.add(ApplicationRead(vanished), Status(400, code="Strange"))
    result = await daily(refresher, ledger, endpoint)
    assert result.reconciliation.changes == {"Updated": 1}
    with pytest.raises(ReconciliationFailed, match=rf"{vanished.application_id}.*Strange"):
        result.raise_for_failures()


async def test_a_deletion_that_nobody_told_is_told_with_its_reason(
    sandbox: Sandbox, refresher: Refresher, ledger: Ledger, endpoint: LogsEndpoint, customer: Customer
) -> None:
    await register(refresher, customer)
    customer.delete()
    (await daily(refresher, ledger, endpoint)).raise_for_failures()
    [row] = sandbox.workspace.query("ManagedApplicationEvents_CL")
    assert (row["Registry_action"], row["Plan_name"], row["Person"]) == ("Removed", "standard", "")
    assert "ResourceNotFound" in row["Reason"]


async def test_rows_that_cannot_be_stored_fail_loudly_and_after_the_registry_is_right(
    sandbox: Sandbox, refresher: Refresher, ledger: Ledger, endpoint: LogsEndpoint, customer: Customer
) -> None:
    await register(refresher, customer)
    customer.delete()
    sandbox.faults.add(Upload(), Status(400, code="Broken"))
    result = await daily(refresher, ledger, endpoint)
    assert await listed(refresher.registry) == set()
    with pytest.raises(EventsNotStored, match="1 event rows were not stored: Broken"):
        result.raise_for_failures()


async def test_two_kinds_of_failure_are_told_together(
    sandbox: Sandbox, refresher: Refresher, ledger: Ledger, endpoint: LogsEndpoint, customer: Customer
) -> None:
    other = sandbox.arm.add_customer("Fabrikam")
    await register(refresher, customer, other)
    customer.delete()
    sandbox.faults.add(ApplicationRead(other), Status(400, code="Strange"))
    sandbox.faults.add(Upload(), Status(400, code="Broken"))
    result = await daily(refresher, ledger, endpoint)
    with pytest.raises(ReconciliationFailed, match=r"Strange.*; and 1 event rows were not stored: Broken"):
        result.raise_for_failures()


async def test_a_ledger_that_cannot_be_read_is_a_failure_and_keeps_nothing_else_from_being_done(
    sandbox: Sandbox, refresher: Refresher, ledger: Ledger, endpoint: LogsEndpoint, customer: Customer
) -> None:
    await register(refresher, customer)
    customer.delete()
    sandbox.faults.add(TableRequest("GET", LEDGER_TABLE), Status(403))
    result = await daily(refresher, ledger, endpoint)
    assert await listed(refresher.registry) == set()
    with pytest.raises(ReconciliationFailed, match="not everything was read to its end"):
        result.raise_for_failures()


async def test_a_registry_that_cannot_be_read_makes_nobody_vanish(
    sandbox: Sandbox, refresher: Refresher, ledger: Ledger, endpoint: LogsEndpoint, vanished: Customer
) -> None:
    vanished.delete()
    sandbox.faults.add(TableRequest("GET", "applications"), Status(403))
    result = await daily(refresher, ledger, endpoint)
    assert result.reconciliation.changes == {}
    assert isinstance(result.reconciliation.broken_off, AccessDenied)


def the_timer() -> func.Function:
    app = func.FunctionApp()
    app.register_functions(daily_blueprint.blueprint)
    (function,) = app.get_functions()
    return function


def test_the_timer_is_daily_and_never_runs_on_startup() -> None:
    function = the_timer()
    assert function.get_function_name() == "reconcile_registry"
    trigger = function.get_trigger()
    assert trigger
    binding = trigger.get_dict_repr()
    assert binding["schedule"].split()[3:] == ["*", "*", "*"]
    assert (binding["runOnStartup"], binding["useMonitor"]) == (False, True)


@pytest.mark.usefixtures("environment")
async def test_the_timer_reconciles_with_the_apps_settings(
    sandbox: Sandbox, refresher: Refresher, registry: Registry
) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    await register(refresher, customer)
    customer.delete()
    await the_timer().get_user_function()(None)
    assert await listed(registry) == set()


@pytest.mark.usefixtures("environment")
async def test_the_timer_fails_visibly(sandbox: Sandbox, refresher: Refresher) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    await register(refresher, customer)
    sandbox.faults.add(ApplicationRead(customer), Status(400))
    with pytest.raises(ReconciliationFailed):
        await the_timer().get_user_function()(None)


async def test_the_timer_names_every_bad_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    names = (
        "AZURE_TENANT_ID",
        "AZURE_CLIENT_ID",
        "AZURE_CLIENT_SECRET",
        "AzureWebJobsStorage",
        "DATA_COLLECTION_ENDPOINT",
        "DATA_COLLECTION_IMMUTABLE_ID",
        "OFFERS",
    )
    for name in names:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SettingsError) as error:
        await the_timer().get_user_function()(None)
    assert {problem.partition(":")[0] for problem in error.value.problems} == set(names)
