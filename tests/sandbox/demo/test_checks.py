"""A check holds only when what was found is what was expected, and says how it differs."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.alerts.deliveries import Delivery, still_active
from sandbox.console import open_console
from sandbox.demo.checks import Check, Checks, states_in_azure
from sandbox.demo.display import Display

if TYPE_CHECKING:
    from sandbox.local_azure import Sandbox


def payload(condition: str, alert_id: str = "1", **dimensions: str) -> dict[str, Any]:
    essentials = {
        "alertId": alert_id,
        "alertRule": "Rule",
        "severity": "Sev2",
        "monitorCondition": condition,
        "firedDateTime": "2026-01-01T00:00:00Z",
        "resolvedDateTime": "2026-01-01T01:00:00Z",
    }
    criterion = {"dimensions": [{"name": name, "value": value} for name, value in dimensions.items()]}
    return {"data": {"essentials": essentials, "alertContext": {"condition": {"allOf": [criterion]}}}}


def test_equal_values_hold_and_others_are_told() -> None:
    checks = Checks()
    checks.equal("same", (1, 2), (1, 2))
    checks.equal("different", 1, 2)
    assert [check.holds for check in checks.made] == [True, False]
    assert checks.failed == [Check("different", ("expected 1", "found    2"))]


def test_order_does_not_matter_and_number_does() -> None:
    checks = Checks()
    checks.same("order", ["a", "b"], ["b", "a"])
    checks.same("twice", ["a", "b"], ["a", "b", "b"])
    checks.same("missing", ["a", "b"], ["a"])
    assert [check.problems for check in checks.made] == [(), ("unexpected b",), ("missing    b",)]


def test_of_many_differences_the_first_few_are_told() -> None:
    checks = Checks()
    checks.same("many", [], range(100))
    assert checks.made[0].problems == (*(f"unexpected {number}" for number in range(5)), "and 95 more")


def test_each_check_is_shown_as_it_is_made() -> None:
    shown: list[Check] = []
    checks = Checks(shown.append)
    checks.equal("one", 1, 1)
    assert shown == checks.made


def test_the_truth_about_a_customer_has_no_states_of_the_customers_own_policies(sandbox: Sandbox) -> None:
    customer = sandbox.arm.add_customer("Contoso", foreign=True)
    truth = states_in_azure(customer)
    assert len(truth) == len(set(truth)) == len(customer.owned_states())
    assert not any("cost-tags" in part for state in truth for part in state)


def test_an_alert_is_active_from_its_firing_until_it_is_resolved() -> None:
    fired, other = Delivery.read(payload("Fired", "1")), Delivery.read(payload("Fired", "2"))
    assert still_active([fired, other]) == [fired, other]
    assert still_active([fired, other, Delivery.read(payload("Resolved", "1"))]) == [other]


def test_an_alert_is_told_by_its_rule_and_what_people_can_read() -> None:
    delivery = Delivery.read(payload("Resolved", Customer="Contoso", Application_id="/subscriptions/1"))
    assert delivery.summary == "Resolved: Rule: Contoso"
    assert delivery.time == "2026-01-01T01:00:00Z"


def test_what_does_not_follow_the_common_alert_schema_is_an_error() -> None:
    with pytest.raises(KeyError):
        Delivery.read({"data": {"essentials": {}}})


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_the_display_can_be_read_in_a_file_of_any_encoding(encoding: str) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    display = Display(open_console(stream))
    display.title("Title", "What follows.")
    display.chapter("Chapter")
    display.table("Table", ("name", "count"), [("Zoë [bold]", 3)])
    display.table("Empty", ("name",), [])
    display.check(Check("holds"))
    display.check(Check("does not", ("expected 1", "found    2")))
    display.end("The end", good=True)
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    text = stream.buffer.getvalue().decode(encoding)
    assert "\x1b" not in text
    assert "Zoë [bold]" in text
    assert "Empty: none" in text
    assert ("✗ does not" if encoding == "utf-8" else "FAILED: does not") in text
