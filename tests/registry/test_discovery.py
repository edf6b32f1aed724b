"""The nightly discovery: it adds and tells, removes nobody, and says what it could not search."""

from __future__ import annotations

import time

import azure.functions as func
import pytest

from publisher.errors.kinds import NotFound
from publisher.logs_endpoint import LogsEndpoint
from publisher.resource_ids import ApplicationId
from publisher.settings import SettingsError
from registry.discovery.blueprint import blueprint
from registry.discovery.discover import register
from registry.discovery.nightly import DiscoveryFailed, Nightly, discover_and_register
from registry.inventory import Inventory
from registry.managed_application import ManagedApplication
from registry.refresh import Change, Refresher
from registry.registry import Registry
from sandbox.faults.effects import Status
from sandbox.faults.operations import ApplicationList, ApplicationRead, ResourceGroupRead, SubscriptionList, Upload
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from sandbox.world.customers import Customer
from sandbox.world.plans import Plan
from tests.functions import Tick
from tests.registry.conftest import STREAM
from tests.registry.refreshing import soon


@pytest.fixture
async def registered(sandbox: Sandbox, refresher: Refresher) -> Customer:
    """A customer whose notification came, so that there is a registry."""
    customer = sandbox.arm.add_customer("Registered")
    await refresher.refresh(ApplicationId.parse(customer.application_id), deadline=soon())
    return customer


async def nightly(refresher: Refresher, endpoint: LogsEndpoint) -> Nightly:
    return await discover_and_register(refresher, endpoint, STREAM, deadline=time.monotonic() + 120)


async def listed(registry: Registry) -> set[str]:
    return {str(item.application_id) async for item in registry.applications() if isinstance(item, ManagedApplication)}


async def test_who_is_missing_is_registered_and_told(
    sandbox: Sandbox, refresher: Refresher, endpoint: LogsEndpoint, registered: Customer
) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    (await nightly(refresher, endpoint)).raise_for_failures()
    assert await listed(refresher.registry) == {registered.application_id, customer.application_id}
    [row] = sandbox.workspace.query("ManagedApplicationEvents_CL")
    assert (row["Event_type"], row["Registry_action"]) == ("Reconciliation", "Registered")
    assert (row["Application_id"], row["Plan_name"], row["Person"]) == (customer.application_id, "standard", "")
    assert "Azure shows it to us" in row["Reason"]
    assert (await nightly(refresher, endpoint)).registered == ()


async def test_nobody_is_removed_and_what_an_operator_removed_stays_so(
    sandbox: Sandbox, refresher: Refresher, endpoint: LogsEndpoint, registered: Customer
) -> None:
    gone, removed = sandbox.arm.add_customer("Gone"), sandbox.arm.add_customer("Removed")
    for customer in (gone, removed):
        await refresher.refresh(ApplicationId.parse(customer.application_id), deadline=soon())
    await Inventory(refresher).remove(ApplicationId.parse(removed.application_id), person="ada", reason="it ended")
    gone.delete()
    found = (await nightly(refresher, endpoint)).found
    assert await listed(refresher.registry) == {registered.application_id, gone.application_id}
    assert set(map(str, found.left_alone)) == {removed.application_id}


async def test_a_customers_closed_door_is_logged_by_name_and_fails_nothing(
    sandbox: Sandbox,
    refresher: Refresher,
    endpoint: LogsEndpoint,
    registered: Customer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sandbox.faults.add(ApplicationList(registered.subscription_id), Status(403))
    result = await nightly(refresher, endpoint)
    result.raise_for_failures()
    assert not result.found.is_complete
    assert f"1 subscriptions could not be searched: Subscription of Registered ({registered.subscription_id})" in (
        caplog.text
    )


async def test_any_other_trouble_fails_visibly_and_keeps_nobody_out(
    sandbox: Sandbox, refresher: Refresher, endpoint: LogsEndpoint, registered: Customer
) -> None:
    customer, refused = sandbox.arm.add_customer("Contoso"), sandbox.arm.add_customer("Refused")
    sandbox.faults.add(ApplicationList(registered.subscription_id), Status(400, code="Strange"))
    sandbox.faults.add(ApplicationRead(refused), Status(400, code="Odd"))
    result = await nightly(refresher, endpoint)
    assert await listed(refresher.registry) == {registered.application_id, customer.application_id}
    with pytest.raises(DiscoveryFailed, match=r"Odd.*; subscription .*Strange"):
        result.raise_for_failures()


async def test_a_list_of_subscriptions_that_cannot_be_read_fails_visibly(
    sandbox: Sandbox, refresher: Refresher, endpoint: LogsEndpoint, registered: Customer
) -> None:
    second = sandbox.arm.add_customer("Second", subscription_id=registered.subscription_id)
    sandbox.faults.add(SubscriptionList(), Status(403))
    result = await nightly(refresher, endpoint)
    assert second.application_id in await listed(refresher.registry)
    with pytest.raises(DiscoveryFailed, match="the list of subscriptions could not be read"):
        result.raise_for_failures()


async def test_what_passes_ownership_by_its_list_alone_is_not_registered(
    sandbox: Sandbox, refresher: Refresher, endpoint: LogsEndpoint, registered: Customer
) -> None:
    stranger = sandbox.arm.add_customer("Stranger")
    owner = sandbox.arm.customers.by_group(stranger.subscription_id, stranger.managed_resource_group)
    assert owner
    sandbox.faults.add(ResourceGroupRead(stranger), Status(403))
    foreign = sandbox.arm.add_customer("Foreign", plan=Plan(publisher="mallory"))
    result = await nightly(refresher, endpoint)
    assert await listed(refresher.registry) == {registered.application_id}
    assert set(map(str, result.found.foreign)) == {foreign.application_id}


async def test_rows_that_are_not_stored_fail_visibly_after_the_registry_is_right(
    sandbox: Sandbox, refresher: Refresher, endpoint: LogsEndpoint, registered: Customer
) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    sandbox.faults.add(Upload(), Status(400, code="Broken"))
    result = await nightly(refresher, endpoint)
    assert customer.application_id in await listed(refresher.registry)
    with pytest.raises(DiscoveryFailed, match="1 event rows were not stored: Broken"):
        result.raise_for_failures()


async def test_a_registry_without_a_table_is_no_reason_to_register_everybody(
    sandbox: Sandbox, refresher: Refresher, endpoint: LogsEndpoint
) -> None:
    sandbox.arm.add_customer("Contoso")
    with pytest.raises(NotFound):
        await nightly(refresher, endpoint)
    assert sandbox.requests.of(Service.RESOURCE_MANAGER, path_part="/") == []


async def test_what_the_time_does_not_suffice_for_is_told(
    sandbox: Sandbox, refresher: Refresher, endpoint: LogsEndpoint, registered: Customer
) -> None:
    result = await discover_and_register(refresher, endpoint, STREAM, deadline=time.monotonic() + 60)
    with pytest.raises(DiscoveryFailed, match="DeadlineExceeded"):
        result.raise_for_failures()


async def test_who_was_removed_by_an_operator_meanwhile_is_left_alone(
    sandbox: Sandbox, refresher: Refresher, registered: Customer
) -> None:
    identity = ApplicationId.parse(registered.application_id)
    await Inventory(refresher).remove(identity, person="ada", reason="it ended")
    assert await register(refresher, [identity], deadline=soon()) == [Change.CONFIRMED]
    assert await listed(refresher.registry) == set()


async def test_requests_at_once_are_bounded(sandbox: Sandbox, refresher: Refresher, endpoint: LogsEndpoint) -> None:
    await refresher.refresh(ApplicationId.parse(sandbox.arm.add_customer("Contoso").application_id), deadline=soon())
    for number in range(24):
        sandbox.arm.add_customer(f"Customer {number}")
    sandbox.requests.clear()
    sandbox.set_latency(Service.RESOURCE_MANAGER, 0.02)
    (await nightly(refresher, endpoint)).raise_for_failures()
    assert 2 <= sandbox.requests.most_at_once(Service.RESOURCE_MANAGER) <= 8
    assert len(await listed(refresher.registry)) == 25


def the_timer() -> func.Function:
    app = func.FunctionApp()
    app.register_functions(blueprint)
    (function,) = app.get_functions()
    return function


def test_the_timer_is_nightly_and_never_runs_on_startup() -> None:
    trigger = the_timer().get_trigger()
    assert trigger
    binding = trigger.get_dict_repr()
    assert binding["schedule"].split()[3:] == ["*", "*", "*"]
    assert (binding["runOnStartup"], binding["useMonitor"]) == (False, True)


@pytest.mark.usefixtures("environment")
async def test_the_timer_registers_with_the_apps_settings(
    sandbox: Sandbox, registry: Registry, registered: Customer
) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    await the_timer().get_user_function()(Tick())
    assert await listed(registry) == {registered.application_id, customer.application_id}


@pytest.mark.usefixtures("environment")
async def test_the_timer_does_nothing_where_it_is_switched_off(
    sandbox: Sandbox, registry: Registry, registered: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.arm.add_customer("Contoso")
    monkeypatch.setenv("DISCOVERY", "off")
    await the_timer().get_user_function()(Tick())
    assert await listed(registry) == {registered.application_id}
    monkeypatch.setenv("DISCOVERY", "sometimes")
    with pytest.raises(SettingsError, match="DISCOVERY: must be nightly or off"):
        await the_timer().get_user_function()(Tick())


@pytest.mark.usefixtures("environment")
async def test_the_timer_fails_visibly(sandbox: Sandbox, registered: Customer) -> None:
    sandbox.faults.add(SubscriptionList(), Status(403))
    with pytest.raises(DiscoveryFailed):
        await the_timer().get_user_function()(Tick())
