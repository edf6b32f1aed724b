"""Vaults, workspaces and AI accounts that answer on the public internet."""

from __future__ import annotations

from typing import Any

import pytest

from tests.verdicts.publisher_checks.arm import COMPLIANT, GROUP, UNKNOWN, VIOLATED, Document, documents, judged
from verdicts.publisher_checks.judged import Judged

CHECK = "public-network-access"
OF_RULES = ["Microsoft.KeyVault/vaults", "Microsoft.CognitiveServices/accounts"]


def resource(kind: str, **properties: Any) -> Document:
    return {"id": f"{GROUP}/providers/{kind}/one", "properties": properties}


def only(kind: str, allowed: tuple[str, ...] = (), **properties: Any) -> Judged:
    parameters = {"allowed_addresses": list(allowed)} if allowed else {}
    [one] = judged(CHECK, documents(resource(kind, **properties)), **parameters)
    return one


def closed(*addresses: Any, **more: Any) -> dict[str, Any]:
    return {
        "defaultAction": "Deny",
        "bypass": "AzureServices",
        "ipRules": [{"value": one} for one in addresses],
        **more,
    }


@pytest.mark.parametrize("kind", OF_RULES)
@pytest.mark.parametrize(
    ("properties", "judgement"),
    [
        ({"publicNetworkAccess": "Disabled"}, COMPLIANT),
        ({"publicNetworkAccess": "disabled", "networkAcls": {"defaultAction": "Allow"}}, COMPLIANT),
        ({"publicNetworkAccess": "Enabled"}, VIOLATED),
        ({}, VIOLATED),
        ({"publicNetworkAccess": None, "networkAcls": None}, VIOLATED),
        ({"networkAcls": {}}, VIOLATED),
        ({"networkAcls": {"defaultAction": "allow"}}, VIOLATED),
        ({"networkAcls": closed()}, COMPLIANT),
        ({"networkAcls": closed() | {"ipRules": None, "defaultAction": "deny"}}, COMPLIANT),
        ({"networkAcls": closed(virtualNetworkRules=[{"id": "/subnet"}])}, COMPLIANT),
        ({"networkAcls": closed("203.0.113.7")}, VIOLATED),
        ({"networkAcls": closed("0.0.0.0/0")}, VIOLATED),
        ({"networkAcls": closed("::/0")}, VIOLATED),
        ({"networkAcls": closed("office")}, UNKNOWN),
        ({"networkAcls": closed(None)}, UNKNOWN),
        ({"networkAcls": {"defaultAction": "Maybe"}}, UNKNOWN),
        ({"publicNetworkAccess": "SecuredByPerimeter"}, UNKNOWN),
        ({"publicNetworkAccess": "Sometimes"}, UNKNOWN),
        ({"publicNetworkAccess": True}, UNKNOWN),
    ],
)
def test_vaults_and_accounts(kind: str, properties: dict[str, Any], judgement: Any) -> None:
    assert only(kind, **properties).judgement is judgement


def test_addresses_that_the_plan_allows_may_be_let_in() -> None:
    vault = OF_RULES[0]
    assert (
        only(vault, ("203.0.113.0/24",), networkAcls=closed("203.0.113.7", "203.0.113.128/25")).judgement is COMPLIANT
    )
    found = only(vault, ("203.0.113.0/24",), networkAcls=closed("203.0.112.0/23"))
    assert (found.judgement, found.reason) == (
        VIOLATED,
        "it answers on the public internet, to 203.0.112.0 to 203.0.112.255",
    )


@pytest.mark.parametrize(
    ("ingestion", "query", "judgement"),
    [
        ("Disabled", "disabled", COMPLIANT),
        ("Enabled", "Disabled", VIOLATED),
        ("Disabled", "Enabled", VIOLATED),
        ("Disabled", None, VIOLATED),
        (None, None, VIOLATED),
        ("SecuredByPerimeter", "Disabled", UNKNOWN),
        ("SecuredByPerimeter", "Enabled", VIOLATED),
        ("Disabled", 7, UNKNOWN),
    ],
)
def test_workspaces(ingestion: Any, query: Any, judgement: Any) -> None:
    found = only(
        "Microsoft.OperationalInsights/workspaces",
        publicNetworkAccessForIngestion=ingestion,
        publicNetworkAccessForQuery=query,
    )
    assert found.judgement is judgement


def test_what_it_does_in_public_is_told() -> None:
    assert only("Microsoft.OperationalInsights/workspaces").reason == (
        "it takes in data and answers queries on the public internet"
    )


def test_a_resource_without_properties_is_not_judged() -> None:
    for kind in (*OF_RULES, "Microsoft.OperationalInsights/workspaces"):
        [one] = judged(CHECK, documents({"id": f"{GROUP}/providers/{kind}/one"}))
        assert one.judgement is UNKNOWN
