"""Checks of the publisher's own, read over TLS from customers' groups: what they open, close and hold, apart from Azure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from publisher.resource_ids import fold
from sandbox.faults.effects import Slow, Status, empty, html
from sandbox.faults.operations import DocumentList, DocumentRead, PolicyQuery, ResourceList, Upload
from sandbox.services import Service
from sandbox.world.arm_documents import (
    IDENTITIES,
    NETWORKS,
    ROUTE_TABLES,
    SECURITY_GROUPS,
    protected_network,
    security_rule,
)
from sandbox.world.customers import Access, Customer, Plan
from sandbox.world.policies import CONTRIBUTOR, SECRETS_USER
from sandbox.world.remediation import RoleAssignment
from tests.collector.conftest import LATEST_VERDICTS, STATES_STREAM, Fleet
from verdicts.facts import AlarmKind
from verdicts.ledger import Ledger
from verdicts.plan_settings import PlanSettings

HOUR = timedelta(hours=1)
NSG, TAG, ROUTES, ROLES = (
    "nsg-without-deny-all",
    "vnet-tag-with-default-route",
    "route-past-firewall",
    "identity-with-wide-role",
)
OPEN = {"securityRules": [security_rule("https", 100, "Allow", protocol="Tcp")]}
CLOSED = {"securityRules": [security_rule("deny-all", 4096, "Deny")]}

Checks = Mapping[str, Mapping[str, Sequence[str]]]


async def settle(fleet: Fleet, plan: str = "standard", **checks: Mapping[str, Sequence[str]]) -> None:
    """An operator settles which checks are on; names have underscores for hyphens."""
    named = {name.replace("_", "-"): {key: tuple(one) for key, one in given.items()} for name, given in checks.items()}
    async with Ledger(fleet.settings) as ledger:
        await ledger.settle(
            PlanSettings(plan, checks=named, settled_at=fleet.sandbox.clock(), person="ada", reason="r")
        )


@pytest.fixture
async def customer(fleet: Fleet) -> Customer:
    """A customer whose network is in order, of a plan with the check of security groups."""
    customer = fleet.sandbox.arm.add_customer("Contoso")
    protected_network(customer.documents)
    await fleet.register(customer, assignments=True)
    await settle(fleet, nsg_without_deny_all={})
    return customer


async def later(fleet: Fleet, hours: float = 1, **how: Any) -> None:
    fleet.sandbox.clock.advance(hours * HOUR)
    await fleet.collect(**how)


def check(fleet: Fleet, name: str = NSG, customer: Customer | None = None) -> dict[str, Any]:
    return fleet.verdicts(customer)[f"publisher-check/{name}"]


async def test_a_violation_is_found_told_and_closed_by_its_repair(fleet: Fleet, customer: Customer) -> None:
    await fleet.collect()
    assert (check(fleet)["Verdict"], check(fleet)["Judged_by"]) == ("Compliant", "PublisherCheck")
    nsg = customer.documents.put(SECURITY_GROUPS, "nsg-app", OPEN)
    await later(fleet)
    row = check(fleet)
    assert (row["Verdict"], row["Noncompliant_states"], row["Current"]) == ("NonCompliant", 1, True)
    assert row["Label_assignment"] == "Publisher check: network security group without a deny-all inbound rule"
    assert row["Alarm_key"].endswith(f"#publisher-check/{NSG}")
    assert row["Alarm_says"].startswith("1 violation: nsg-app; since ")
    [state] = fleet.rows(Run_id=row["States_id"], Judged_by="PublisherCheck")
    assert (state["Resource_id"], state["Is_compliant"]) == (nsg, False)
    assert "no inbound rule denies anything" in state["Reason"]
    customer.documents.put(SECURITY_GROUPS, "nsg-app", CLOSED)
    await later(fleet)
    assert (check(fleet)["Verdict"], check(fleet)["Alarm_key"]) == ("Compliant", "")


async def test_it_changes_nothing_of_what_azure_policy_says(fleet: Fleet, customer: Customer) -> None:
    customer.documents.put(SECURITY_GROUPS, "nsg-app", OPEN)
    await fleet.collect()
    result = fleet.results[customer.application_id]
    assert (result.compliance, result.open_violations, result.check_violations) == ("Compliant", 0, 1)
    assert fleet.latest_result(customer)["Compliance"] == "Compliant"
    assert result.noncompliant_states == 0
    assert {row["Judged_by"] for row in fleet.verdicts().values()} == {"AzurePolicy", "PublisherCheck"}
    by_azure = [row for row in fleet.rows() if row["Judged_by"] == "AzurePolicy"]
    assert len(by_azure) == (await fleet.facts(customer)).states.rows  # type: ignore[union-attr]


async def test_an_answer_that_is_the_same_hides_no_check_and_a_check_no_state(fleet: Fleet, customer: Customer) -> None:
    await fleet.collect()
    await later(fleet)
    customer.documents.put(SECURITY_GROUPS, "nsg-app", OPEN)
    await later(fleet)
    assert check(fleet)["Verdict"] == "NonCompliant"
    customer.break_resource("vault")
    await later(fleet)
    assert fleet.verdicts()["baseline"]["Verdict"] == "NonCompliant"
    assert check(fleet)["Verdict"] == "NonCompliant"


async def test_what_did_not_change_is_neither_uploaded_nor_written_again(fleet: Fleet, customer: Customer) -> None:
    customer.documents.put(SECURITY_GROUPS, "nsg-app", OPEN)
    await fleet.collect()
    before = (await fleet.facts(customer)).check_states
    assert before is not None
    assert before.rows == 1
    await fleet.collect()
    fleet.sandbox.requests.clear()
    fleet.sandbox.clock.advance(timedelta(minutes=5))
    await fleet.collect()
    assert fleet.ledger_writes() == []
    assert not fleet.sandbox.requests.of(Service.LOGS_INGESTION, path_part=STATES_STREAM)
    customer.break_resource("vault")
    await later(fleet, 0.1)
    assert (await fleet.facts(customer)).check_states == before  # what is uploaded of Azure's states is not of it


async def test_a_list_that_is_refused_leaves_that_check_unread_alone(fleet: Fleet, customer: Customer) -> None:
    await settle(fleet, nsg_without_deny_all={}, route_past_firewall={"firewall_addresses": ["10.0.0.4"]})
    customer.documents.put(SECURITY_GROUPS, "nsg-app", OPEN)
    await fleet.collect()
    table = customer.documents.find(customer.documents.id_of(ROUTE_TABLES, "rt-app"))
    assert table is not None
    customer.documents.put(ROUTE_TABLES, "rt-app", {"routes": []})
    refusal = fleet.sandbox.faults.add(DocumentList(customer, SECURITY_GROUPS), Status(403))
    customer.break_resource("vault")
    await later(fleet)
    row = check(fleet)
    assert (row["Verdict"], row["Held_reason"], row["Current"]) == ("NonCompliant", "Unread", False)
    assert (row["Unread_outcome"], row["Unread_reason"][:20]) == ("AccessDenied", "AuthorizationFailed:")
    assert check(fleet, ROUTES)["Verdict"] == "NonCompliant"
    assert fleet.outcome(customer) == "Succeeded"
    assert fleet.verdicts()["baseline"]["Verdict"] == "NonCompliant"
    fleet.sandbox.faults.remove(refusal)
    customer.documents.put(SECURITY_GROUPS, "nsg-app", CLOSED)
    await later(fleet)
    assert (check(fleet)["Verdict"], check(fleet)["Unread_outcome"]) == ("Compliant", "")


@pytest.mark.parametrize(
    "effect",
    [html(404), empty(404), Status(500), Status(409, code="ScopeLocked"), Status(400, code="InvalidResourceType")],
)
@pytest.mark.parametrize("operation", [ResourceList, DocumentList])
async def test_nothing_that_goes_wrong_is_taken_for_repaired(
    fleet: Fleet, customer: Customer, operation: Any, effect: Any
) -> None:
    customer.documents.put(SECURITY_GROUPS, "nsg-app", OPEN)
    await fleet.collect()
    customer.documents.put(SECURITY_GROUPS, "nsg-app", CLOSED)
    fleet.sandbox.faults.add(operation(customer), effect)
    await later(fleet)
    row = check(fleet)
    assert (row["Verdict"], row["Held_reason"]) == ("NonCompliant", "Unread")
    assert fleet.outcome(customer) == "Succeeded"


async def test_a_check_that_cannot_be_read_for_two_days_is_told(fleet: Fleet, customer: Customer) -> None:
    await fleet.collect()
    fleet.sandbox.faults.add(DocumentList(customer), Status(403))
    await later(fleet)
    since = fleet.sandbox.clock()
    assert check(fleet)["Undecided_alarm_key"] == ""
    await later(fleet, 49)
    row = check(fleet)
    assert row["Verdict"] == "Compliant"
    assert (row["Current"], row["Undecided_alarm_key"][-10:]) == (False, "#undecided")
    assert row["Undecided_alarm_says"].startswith(f"not read since {since:%Y-%m-%d %H:%M} UTC: AuthorizationFailed: ")


async def test_checks_are_read_when_azures_states_cannot_be(fleet: Fleet, customer: Customer) -> None:
    await fleet.collect()
    customer.documents.put(SECURITY_GROUPS, "nsg-app", OPEN)
    customer.revoke_access(Access.STATES)
    await later(fleet)
    assert fleet.outcome(customer) == "AccessDenied"
    row = check(fleet)
    assert (row["Verdict"], row["Held_reason"], row["Current"]) == ("NonCompliant", "", True)
    customer.documents.put(SECURITY_GROUPS, "nsg-app", CLOSED)
    await later(fleet)
    assert (check(fleet)["Verdict"], check(fleet)["Current"]) == ("Compliant", True)
    assert fleet.verdicts()["baseline"]["Current"] is False


async def test_when_the_subscription_is_throttled_no_more_is_asked(fleet: Fleet, customer: Customer) -> None:
    await fleet.collect()
    fleet.sandbox.faults.add(PolicyQuery(customer), Status(429))
    fleet.sandbox.requests.clear()
    await later(fleet, time_limit=2)
    assert not fleet.sandbox.requests.of(Service.RESOURCE_MANAGER, path_part="/resources")
    assert check(fleet)["Unread_outcome"] in {"Throttled", "Skipped"}


async def test_checks_that_take_too_long_take_nothing_from_azures_states(fleet: Fleet, customer: Customer) -> None:
    await fleet.collect()
    fleet.sandbox.faults.add(ResourceList(customer), Slow(30))
    customer.break_resource("vault")
    await later(fleet, time_limit=3)
    assert fleet.outcome(customer) == "Succeeded"
    assert fleet.verdicts()["baseline"]["Verdict"] == "NonCompliant"
    assert (check(fleet)["Current"], check(fleet)["Unread_outcome"]) == (False, "Skipped")


async def test_a_deleted_resource_is_proven_gone(fleet: Fleet, customer: Customer) -> None:
    other = customer.documents.put(SECURITY_GROUPS, "nsg-other", OPEN)
    await fleet.collect()
    customer.documents.remove(other)
    unproven = fleet.sandbox.faults.add(DocumentRead(customer), html(404))
    await later(fleet)
    assert (check(fleet)["Verdict"], check(fleet)["Held_reason"]) == ("NonCompliant", "NoStates")
    fleet.sandbox.faults.remove(unproven)
    await later(fleet)
    assert check(fleet)["Verdict"] == "Compliant"


async def test_a_subnet_that_is_deleted_is_proven_gone(fleet: Fleet, customer: Customer) -> None:
    await settle(fleet, vnet_tag_with_default_route={})
    customer.documents.put(SECURITY_GROUPS, "nsg-app", OPEN)
    await fleet.collect()
    assert check(fleet, TAG)["Resource_ids"].endswith('/subnets/app"]')
    customer.documents.put(NETWORKS, "vnet-app", {"subnets": []})
    await later(fleet)
    assert check(fleet, TAG)["Verdict"] == "Compliant"


async def test_a_check_that_is_switched_off_ends_and_one_whose_settings_are_unreadable_does_not(
    fleet: Fleet, customer: Customer
) -> None:
    customer.documents.put(SECURITY_GROUPS, "nsg-app", OPEN)
    await fleet.collect()
    async with Ledger(fleet.settings) as ledger:
        [row] = [one async for one in ledger._table.matching("RowKey ge 'plan-' and RowKey lt 'plan.'")]
        await ledger._table.replace(row, {**row.properties, "document": b"nonsense"})
    customer.documents.put(SECURITY_GROUPS, "nsg-app", CLOSED)
    fleet.sandbox.clock.advance(HOUR)
    await fleet.collect()
    row_now = check(fleet)
    assert (row_now["Verdict"], row_now["Held_reason"]) == ("NonCompliant", "Unread")
    assert row_now["Unread_reason"].startswith("SettingsNotReadable: ")
    await settle(fleet)
    await later(fleet)
    assert (check(fleet)["Verdict"], check(fleet)["Alarm_key"]) == ("Retired", "")


async def test_parameters_that_change_are_those_of_the_next_run(fleet: Fleet, customer: Customer) -> None:
    await settle(fleet, route_past_firewall={"firewall_addresses": ["10.0.0.9"]})
    await fleet.collect()
    assert check(fleet, ROUTES)["Verdict"] == "NonCompliant"
    await settle(fleet, route_past_firewall={"firewall_addresses": ["10.0.0.4"]})
    await later(fleet)
    assert check(fleet, ROUTES)["Verdict"] == "Compliant"


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
    assert sorted(listed) == ["networksecuritygroups", "resources", "virtualnetworks"]


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


async def test_roles_of_identities_are_held_against_the_plan(fleet: Fleet, customer: Customer) -> None:
    await settle(fleet, identity_with_wide_role={"allowed_roles": ["Key Vault Secrets User"]})
    customer.documents.put(IDENTITIES, "id-app", {"principalId": "11111111-0000-4000-8000-000000000001"})
    system = {"type": "SystemAssigned", "principalId": "11111111-0000-4000-8000-000000000002"}
    customer.documents.put("Microsoft.HybridCompute/machines", "arc", identity=system)
    group, roles = customer.managed_resource_group_id, customer.remediation.roles
    roles.append(RoleAssignment("11111111-0000-4000-8000-000000000001", SECRETS_USER, group))
    roles.append(wide := RoleAssignment("11111111-0000-4000-8000-000000000002", CONTRIBUTOR, group))
    await fleet.collect()
    row = check(fleet, ROLES)
    assert (row["Verdict"], row["Resources"], row["Compliant_states"]) == ("NonCompliant", "arc", 1)
    customer.remediation.roles_are_shown = False
    await later(fleet)
    row = check(fleet, ROLES)
    assert (row["Verdict"], row["Held_reason"], row["Unknown_states"]) == ("NonCompliant", "Undecided", 2)
    customer.remediation.roles_are_shown = True
    roles.remove(wide)
    await later(fleet)
    assert check(fleet, ROLES)["Verdict"] == "Compliant"


async def test_compliant_resources_are_one_row_where_that_is_asked_for(fleet: Fleet, customer: Customer) -> None:
    customer.documents.put(SECURITY_GROUPS, "nsg-other", CLOSED)
    customer.documents.put(SECURITY_GROUPS, "nsg-open", OPEN)
    await fleet.collect(compliant_states="summarised")
    rows = fleet.rows(Judged_by="PublisherCheck")
    assert sorted((row["Compliance_state"], row["Resource_count"]) for row in rows) == [
        ("Compliant", 2),
        ("NonCompliant", 1),
    ]


async def test_rows_that_are_refused_leave_the_checks_unread(fleet: Fleet, customer: Customer) -> None:
    await fleet.collect()
    customer.documents.put(SECURITY_GROUPS, "nsg-app", OPEN)
    refusal = fleet.sandbox.faults.add(Upload(STATES_STREAM), Status(403))
    await later(fleet)
    assert fleet.outcome(customer) == "UploadFailed"
    assert (check(fleet)["Verdict"], check(fleet)["Unread_outcome"]) == ("Compliant", "UploadFailed")
    fleet.sandbox.faults.remove(refusal)
    await later(fleet)
    assert check(fleet)["Verdict"] == "NonCompliant"


async def test_a_run_that_a_person_asks_for_reads_checks_too(fleet: Fleet, customer: Customer) -> None:
    await fleet.collect()
    customer.documents.put(SECURITY_GROUPS, "nsg-app", OPEN)
    await later(fleet, only=customer.application_id)
    assert check(fleet)["Verdict"] == "NonCompliant"


async def test_a_check_of_a_later_version_is_no_news(fleet: Fleet, customer: Customer) -> None:
    await settle(fleet, some_new_check={})
    await fleet.collect()
    row = check(fleet, "some-new-check")
    assert (row["Verdict"], row["Unread_reason"]) == ("NotEvaluated", "UnknownCheck: not of this version")


async def test_many_of_one_cause_are_told_as_one(fleet: Fleet, customer: Customer) -> None:
    customers = [fleet.sandbox.arm.add_customer(f"Customer {number}", foreign=False) for number in range(30)]
    for one in customers:
        one.documents.put(SECURITY_GROUPS, "open", OPEN)
    await fleet.register(*customers, assignments=True)
    await fleet.collect()
    rows = [row for row in fleet.sandbox.workspace.query(LATEST_VERDICTS) if row["Verdict"] == "NonCompliant"]
    causes = {row["Alarm_cause"] for row in rows}
    assert causes == {"", f"violated: standard 1.0.0, publisher-check/{NSG}"}


async def test_the_alarms_of_a_check_are_remembered_with_it(fleet: Fleet, customer: Customer) -> None:
    customer.documents.put(SECURITY_GROUPS, "nsg-app", OPEN)
    await fleet.collect()
    facts = await fleet.facts(customer)
    [one] = [one for key, one in facts.assignments.items() if key.endswith(NSG)]
    assert set(one.alarms) == {AlarmKind.NONCOMPLIANT}
    assert one.id == fold(f"{customer.managed_resource_group_id}/publisher-check/{NSG}")
    assert replace(one, alarms={}) != one
