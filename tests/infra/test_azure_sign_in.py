"""The sign-in before a deployment, and answers of az: which of them say that something is missing, and which say nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.infra import azure_states as states
from tests.infra.azure_states import SUBSCRIPTION, TENANT, AzureCli, check
from tests.infra.test_parameters import GUID

ELSEWHERE = "dddddddd-0000-0000-0000-000000000004"


def test_another_subscription_and_tenant_are_told_and_nothing_else_is_asked(azure_cli: AzureCli) -> None:
    asked = azure_cli(states.EVERYTHING)
    tenant, subscription = check(AZURE_SUBSCRIPTION_ID=GUID, AZURE_TENANT_ID=ELSEWHERE).problems
    assert tenant.startswith("AZURE_TENANT_ID: ")
    assert tenant.endswith(f"run: az login --tenant {ELSEWHERE}")
    assert subscription.startswith("AZURE_SUBSCRIPTION_ID: ")
    assert subscription.endswith(f"run: az account set --subscription {GUID}")
    assert asked.read_text() == "account show --output json\n"


@pytest.mark.parametrize("answer", ["ERROR: Please run 'az login' to setup account.", None, [], 5])
def test_nobody_signed_in_says_how_to(azure_cli: AzureCli, answer: object) -> None:
    azure_cli({"account show": answer})
    (problem,) = check(AZURE_TENANT_ID=TENANT).problems
    assert problem.endswith(f"run: az login --tenant {TENANT}")


def test_a_cli_that_is_not_installed_is_told_as_that(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (problem,) = check().problems
    assert problem.startswith("the Azure CLI (az) is not installed")
    assert "signed in" not in problem


@pytest.mark.parametrize(
    "account", [{}, {"tenantId": TENANT}, {"id": SUBSCRIPTION}, {"id": TENANT, "tenantId": TENANT}]
)
def test_a_sign_in_without_subscription_or_tenant_is_refused(azure_cli: AzureCli, account: dict[str, str]) -> None:
    """With --allow-no-subscriptions the CLI shows the tenant's id where the subscription's should be."""
    asked = azure_cli({**states.NOTHING, "account show": account})
    (problem,) = check(PUBLISHER_TENANT_ID=TENANT).problems
    assert problem.endswith("run: az login")
    assert asked.read_text() == "account show --output json\n"


SIGN_IN_ERRORS = {
    "token cache": "ERROR: User 'a@b.c' does not exist in MSAL token cache. Run `az login`.",
    "guest": "ERROR: AADSTS50020: User account 'a@b.c' does not exist in tenant 'Contoso' and cannot access it.",
    "client": "ERROR: AADSTS700016: Application with identifier 'x' was not found in the directory 'Contoso'.",
    "subscription": (
        'ERROR: Not Found({"error":{"code":"SubscriptionNotFound","message":"The subscription could not be found."}})'
    ),
    "warning": "WARNING: Resource 'x' was not found.\nERROR: Insufficient privileges to complete the operation.",
}


@pytest.mark.parametrize("error", SIGN_IN_ERRORS.values(), ids=SIGN_IN_ERRORS)
def test_a_failed_sign_in_is_not_taken_for_something_missing(azure_cli: AzureCli, error: str) -> None:
    azure_cli({"account show": states.SIGNED_IN["account show"], "": error})
    report = check()
    assert report.problems == []
    told = "\n".join(report.notes)
    assert "could not look up the service principal" in told
    assert "could not look for the worker's identity" in told


@pytest.mark.parametrize(
    "error",
    [
        f"ERROR: Resource '{GUID}' does not exist or one of its queried reference-property objects are not present.",
        f"ERROR: (Request_ResourceNotFound) Resource '{GUID}' does not exist.",
        f"\x1b[91mERROR: Service principal '{GUID}' doesn't exist\x1b[0m",
    ],
)
def test_the_words_of_microsoft_graph_for_something_missing_are_known(azure_cli: AzureCli, error: str) -> None:
    azure_cli({**states.NOTHING, "ad sp show": error})
    (problem,) = check().problems
    assert problem.endswith(f"az ad sp create --id {GUID}")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("ERROR: 'x' is misspelled.\n\nhttps://aka.ms/cli_ref\nRead more in reference docs", "('x' is misspelled.)"),
        (
            "ERROR: (Denied) No.\nCode: Denied\nMessage: No.\nAdditional Information:\nInfo: {\n}",
            "((Denied) No.)",
        ),
        (
            "ERROR: The command failed. Here is the traceback:\nERROR: no attribute 'get'\nTraceback:\nTo check, visit: x",
            "(no attribute 'get')",
        ),
        (
            "ERROR: AADSTS700082: expired.\nInteractive authentication is needed. Please run:\naz login --scope x",
            "(AADSTS700082: expired.; run: az login --scope x)",
        ),
        ("Traceback (most recent call last):\nModuleNotFoundError: no azure", "(ModuleNotFoundError: no azure)"),
    ],
)
def test_the_reason_is_what_the_cli_complains_of_and_not_its_last_line(
    azure_cli: AzureCli, error: str, reason: str
) -> None:
    azure_cli({**states.NOTHING, "functionapp list-flexconsumption-locations": error})
    assert any("could not list the regions" in note and reason in note for note in check().notes)


def test_an_answer_that_is_no_json_is_no_answer(azure_cli: AzureCli) -> None:
    log = azure_cli({})
    log.with_name("az").write_text("#!/bin/sh\necho 'Please sign in'\n")
    assert "did not answer with JSON" in check().problems[0]


@pytest.mark.parametrize("shape", [None, {}, [], [None], [[]], 5, "ERROR: refused"])
def test_what_could_not_be_looked_up_is_a_note_and_never_a_pass(azure_cli: AzureCli, shape: object) -> None:
    azure_cli({"account show": states.SIGNED_IN["account show"], "": shape})
    report = check()
    assert report.problems == []
    for part in ("regions", "providers", "resource group"):
        assert any(part in note for note in report.notes), part
