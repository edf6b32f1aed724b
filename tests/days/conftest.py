"""Days with two customers: Contoso has a storage account that violates a policy, Fabrikam stands by."""

from __future__ import annotations

import pytest

from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.days.days import Days

STORAGE_ALONE = "storage1"
ASSIGNMENT = "secure-transfer"


@pytest.fixture
async def days(sandbox: Sandbox, environment: dict[str, str]) -> Days:
    """A world in which both have deployed the application, and the first run has not been."""
    days = Days(sandbox)
    await days.deploy("Contoso", "Fabrikam")
    return days


@pytest.fixture
async def violating(days: Days) -> Customer:
    """Contoso, whose violation has fired an alert three hours ago."""
    contoso, _ = days.customers
    await days.play(2, closely=False)
    assert days.told == []
    contoso.break_resource(STORAGE_ALONE, ASSIGNMENT)
    await days.play(3, closely=False)
    assert days.history(contoso, NONCOMPLIANT) == ["Fired"], days.story()
    return contoso


NONCOMPLIANT = "application-noncompliant"
GUARD = "guard-changed"
NOTICED = "guard-noticed"
UNREAD = "application-unread"
UNDECIDED = "assignment-undecided"
SILENT = "collector-silent"
ENDING = "alarms-ending"
MANY = "fleet-in-trouble"
NOT_EXPORTED = "registry-not-exported"
