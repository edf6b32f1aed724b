"""What could not be read is never repaired and never well, and concerns no other check and none of Azure's states."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import pytest

from sandbox.faults.effects import Slow, Status, empty, html
from sandbox.faults.operations import DocumentList, PermissionList, PolicyQuery, ResourceList, Upload
from sandbox.services import Service
from sandbox.world.arm_documents import (
    ROUTE_TABLES,
    SECURITY_GROUPS,
)
from sandbox.world.customers import Access, Customer
from tests.collector.conftest import STATES_STREAM, Fleet
from tests.collector.publisher_checks.switching import CLOSED, HOUR, NSG, OPEN, ROLES, ROUTES, TAG, check, later, settle
from verdicts.ledger import Ledger
from verdicts.publisher_checks.catalogue import CHECKS, Check
from verdicts.publisher_checks.judged import Judged, Judgement


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


async def test_a_check_of_a_later_version_is_no_news(fleet: Fleet, customer: Customer) -> None:
    await settle(fleet, some_new_check={})
    await fleet.collect()
    row = check(fleet, "some-new-check")
    assert (row["Verdict"], row["Unread_reason"]) == ("NotEvaluated", "UnknownCheck: not of this version")


@pytest.mark.parametrize("name", [NSG, TAG, ROLES, "public-network-access"])
async def test_a_group_that_shows_us_no_resource_is_not_one_without_resources(
    fleet: Fleet, customer: Customer, name: str
) -> None:
    parameters = {"allowed_roles": ["Reader"]} if name == ROLES else {}
    await settle(fleet, **{name: parameters})
    customer.revoke_access(Access.RESOURCES)
    await fleet.collect()
    row = check(fleet, name)
    assert (row["Verdict"], row["Current"], row["Unread_outcome"]) == ("NotEvaluated", False, "AccessDenied")
    assert row["Unread_reason"].startswith("ResourcesUnread: none is listed, and ")
    customer.grant_access(Access.RESOURCES)
    await later(fleet)
    assert (check(fleet, name)["Verdict"], check(fleet, name)["Current"]) == ("Compliant", True)


async def test_what_is_not_listed_is_not_there_only_where_our_permissions_are_known(
    fleet: Fleet, customer: Customer
) -> None:
    fleet.sandbox.faults.add(PermissionList(customer), Status(500))
    await fleet.collect()  # the group has no network interface
    assert (check(fleet)["Verdict"], check(fleet)["Unread_outcome"]) == ("NotEvaluated", "AccessDenied")
    assert fleet.outcome(customer) == "Succeeded"


async def test_what_takes_long_to_judge_takes_no_time_from_others(
    fleet: Fleet, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collector.reading.check_reader.LONGEST_SECONDS", 1.0)

    def slowly(*_: Any) -> Iterator[Judged]:
        for number in range(60):
            time.sleep(0.05)
            yield Judged(f"{customer.managed_resource_group_id}/providers/a.b/c/{number}", Judgement.COMPLIANT, "")

    monkeypatch.setitem(cast("dict[str, Check]", CHECKS), NSG, replace(CHECKS[NSG], judge=slowly))
    await fleet.collect()
    assert fleet.outcome(customer) == "Succeeded"
    assert (check(fleet)["Verdict"], check(fleet)["Unread_outcome"]) == ("NotEvaluated", "Skipped")
