"""What is asked of Azure Resource Manager for checks: what they need, to its end, and nothing without them."""

from __future__ import annotations

from sandbox.services import Service
from sandbox.world.arm_documents import (
    NETWORKS,
    ROUTE_TABLES,
    SECURITY_GROUPS,
)
from sandbox.world.customers import Customer, Plan
from tests.collector.conftest import Fleet
from tests.collector.publisher_checks.switching import CLOSED, NSG, OPEN, TAG, check, later, settle


async def test_a_plan_without_checks_asks_for_nothing(fleet: Fleet, customer: Customer) -> None:
    other = fleet.sandbox.arm.add_customer("Fabrikam", plan=Plan(name="premium"))
    other.documents.put(SECURITY_GROUPS, "open", OPEN)
    await fleet.register(other, assignments=True)
    fleet.sandbox.requests.clear()
    await fleet.collect()
    paths = [request.path for request in fleet.sandbox.requests.of(Service.RESOURCE_MANAGER)]
    about_other = [path for path in paths if other.managed_resource_group.lower() in path.lower()]
    assert about_other
    assert all("policystates" in path.lower() for path in about_other)
    assert f"publisher-check/{NSG}" not in fleet.verdicts(other)


async def test_only_types_are_listed_that_are_needed_and_there(fleet: Fleet, customer: Customer) -> None:
    fleet.sandbox.requests.clear()
    await fleet.collect()
    listed = [
        request.path.rpartition("/")[2].lower()
        for request in fleet.sandbox.requests.of(Service.RESOURCE_MANAGER)
        if "policystates" not in request.path.lower()
    ]
    assert sorted(listed) == ["networksecuritygroups", "permissions", "resources", "virtualnetworks"]


async def test_lists_of_many_pages_are_read_to_their_end(fleet: Fleet, customer: Customer) -> None:
    fleet.sandbox.arm.document_page_size = 2
    for number in range(7):
        customer.documents.put(SECURITY_GROUPS, f"nsg{number}", CLOSED if number < 6 else OPEN)
    await fleet.collect()
    row = check(fleet)
    assert (row["Noncompliant_states"], row["Compliant_states"]) == (1, 7)


async def test_a_table_of_another_group_is_read_where_we_may(fleet: Fleet, customer: Customer) -> None:
    await settle(fleet, vnet_tag_with_default_route={})
    hub = customer.documents.id_of(ROUTE_TABLES, "rt-hub", "hub")
    network = customer.documents.find(customer.documents.id_of(NETWORKS, "vnet-app"))
    assert network is not None
    network["properties"]["subnets"][0]["properties"]["routeTable"] = {"id": hub}
    customer.documents.put(SECURITY_GROUPS, "nsg-app", OPEN)
    await fleet.collect()
    row = check(fleet, TAG)
    assert (row["Verdict"], row["Unknown_states"]) == ("NotEvaluated", 1)
    [state] = fleet.rows(Judged_by="PublisherCheck", Compliance_state="Unknown")
    assert state["Is_compliant"] is None
    assert state["Reason"] == "routeTables rt-hub could not be read: AuthorizationFailed"
    default = {"addressPrefix": "0.0.0.0/0", "nextHopType": "Internet"}
    customer.documents.put(ROUTE_TABLES, "rt-hub", {"routes": [{"name": "d", "properties": default}]}, group="hub")
    await later(fleet)
    assert check(fleet, TAG)["Verdict"] == "NonCompliant"
