"""What checks find at customers, read over TLS: it opens and closes violations apart from those of Azure Policy."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from publisher.resource_ids import fold
from sandbox.faults.effects import html
from sandbox.faults.operations import DocumentRead
from sandbox.services import Service
from sandbox.world.arm_documents import (
    IDENTITIES,
    NETWORKS,
    SECURITY_GROUPS,
)
from sandbox.world.customers import Customer
from sandbox.world.policies import CONTRIBUTOR, SECRETS_USER
from sandbox.world.remediation import RoleAssignment
from tests.collector.conftest import LATEST_VERDICTS, STATES_STREAM, Fleet
from tests.collector.publisher_checks.switching import CLOSED, NSG, OPEN, ROLES, ROUTES, TAG, check, later, settle
from verdicts.facts import AlarmKind


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


async def test_parameters_that_change_are_those_of_the_next_run(fleet: Fleet, customer: Customer) -> None:
    await settle(fleet, route_past_firewall={"firewall_addresses": ["10.0.0.9"]})
    await fleet.collect()
    assert check(fleet, ROUTES)["Verdict"] == "NonCompliant"
    await settle(fleet, route_past_firewall={"firewall_addresses": ["10.0.0.4"]})
    await later(fleet)
    assert check(fleet, ROUTES)["Verdict"] == "Compliant"


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


async def test_a_run_that_a_person_asks_for_reads_checks_too(fleet: Fleet, customer: Customer) -> None:
    await fleet.collect()
    customer.documents.put(SECURITY_GROUPS, "nsg-app", OPEN)
    await later(fleet, only=customer.application_id)
    assert check(fleet)["Verdict"] == "NonCompliant"


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
