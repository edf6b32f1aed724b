"""What one of the publisher's own checks finds fires an alert, and its repair in the resource itself closes it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from operations.__main__ import main as operate
from sandbox.faults.effects import Status
from sandbox.faults.operations import DocumentList
from sandbox.world.arm_documents import SECURITY_GROUPS, protected_network, security_rule
from sandbox.world.customers import Customer
from tests.days.conftest import NONCOMPLIANT, UNDECIDED, UNREAD
from tests.days.days import Days

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

CHECK = "nsg-without-deny-all"
OPEN = {"securityRules": [security_rule("https", 100, "Allow", protocol="Tcp")]}
CLOSED = {"securityRules": [security_rule("deny-all", 4096, "Deny")]}


def put(customer: Customer, rules: dict[str, Any]) -> None:
    customer.documents.put(SECURITY_GROUPS, "nsg-app", rules)


@pytest.fixture
async def checked(days: Days, tmp_path: Path) -> Customer:
    """Contoso, in whose network all is well, after an operator switched on a check for every plan."""
    contoso, fabrikam = days.customers
    for customer in (contoso, fabrikam):
        protected_network(customer.documents)
    file = tmp_path / "plan.json"
    file.write_text(json.dumps({"plan": "", "checks": {CHECK: {}}}))
    words = ["plan", "settle", "--file", str(file), "--reason", "agreed", "--person", "Ada", "--yes"]
    assert await asyncio.to_thread(operate, words) == 0
    await days.play(2, closely=False)
    assert days.told == []
    return contoso


async def test_a_violation_that_a_check_finds_fires_and_its_repair_closes_it(days: Days, checked: Customer) -> None:
    put(checked, OPEN)
    await days.play(3)
    assert days.history(checked, NONCOMPLIANT) == ["Fired"], days.story()
    assert any("Publisher check: " in text for one in days.told for text in one.dimensions), days.story()
    await days.play(50)
    assert days.history(checked, NONCOMPLIANT) == ["Fired"], days.story()

    put(checked, CLOSED)
    await days.play(3)

    assert days.history(checked, NONCOMPLIANT) == ["Fired", "Resolved"], days.story()
    assert days.active() == set(), days.story()


async def test_a_check_that_cannot_be_read_keeps_its_alert_and_is_told_after_two_days(
    days: Days, checked: Customer
) -> None:
    put(checked, OPEN)
    await days.play(3)
    refusal = days.sandbox.faults.add(DocumentList(checked, SECURITY_GROUPS), Status(403))
    put(checked, CLOSED)
    await days.play(47)
    assert days.active(checked) == {NONCOMPLIANT}, days.story()
    await days.play(6)
    assert days.active(checked) == {NONCOMPLIANT, UNDECIDED}, days.story()
    assert days.history(checked, UNREAD) == [], days.story()
    assert days.active(days.customers[1]) == set(), days.story()

    days.sandbox.faults.remove(refusal)
    await days.play(3)

    assert days.active() == set(), days.story()
