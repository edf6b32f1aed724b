"""Each refusal of a token leads to its own cause and next step, and nobody's authorizations are blamed for it."""

from __future__ import annotations

import pytest

from sandbox.azure.identity.directory import USER_ASSIGNED
from sandbox.faults.effects import Status
from sandbox.faults.operations import IdentityTokenRequest, TokenRequest
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.operations.command_line import Cli
from tests.operations.doctor.conftest import Doctor
from tests.operations.doctor.findings import check, said

SIGN_IN = "token: service principal"
TRACE = "\r\nTrace ID: 0b1c6d6f-0000-4000-8000-000000000000\r\nCorrelation ID: 5a5a5a5a-0000-4000-8000-000000000000"
FEDERATED = {"PUBLISHER_FEDERATED_IDENTITY_CLIENT_ID": USER_ASSIGNED.client_id}


@pytest.fixture
def customer(sandbox: Sandbox, cli: Cli) -> Customer:
    customer = sandbox.arm.add_customer("Contoso")
    assert cli("add", customer.application_id).status == 0
    return customer


@pytest.mark.parametrize(
    ("status", "number", "cause", "next_step"),
    [
        (401, 7000222, "the client secret has expired", "Rotate the credential"),
        (401, 7000215, "AZURE_CLIENT_SECRET is no secret", "not its id"),
        (401, 7000218, "lacked a credential", "AZURE_CLIENT_CERTIFICATE"),
        (400, 700016, "the tenant has no such application", "AZURE_CLIENT_ID"),
        (401, 7000229, "no service principal in the tenant", "az ad sp create"),
        (400, 7000112, "the application is disabled", "Enabled for users to sign in"),
        (400, 90002, "there is no such tenant", "AZURE_TENANT_ID"),
        (400, 900023, "there is no such tenant", "AZURE_TENANT_ID"),
        (400, 900382, "the tenant is of another cloud", "AZURE_AUTHORITY_HOST"),
        (401, 700211, "has the issuer", "azd hooks run postdeploy"),
        (401, 700212, "has the audience", "azd hooks run postdeploy"),
        (401, 700213, "has the subject", "object id"),
        (401, 70021, "no federated credential", "issuer, subject and audience"),
        (401, 700027, "the certificate is not one that the registration has", "upload"),
        (401, 1000502, "the certificate has expired", "Rotate the credential"),
        (401, 700024, "the clock is wrong", "set the clock"),
        (400, 53003, "a Conditional Access policy", "Sign-in logs"),
        (400, 65001, "consent is missing", "administrator"),
        (400, 500011, "what the token is for", "MONITOR_AUDIENCE"),
        (400, 90033, "Entra ID is out of order or overloaded", "status page"),
        (401, 50196, "Entra ID is out of order or overloaded", "status page"),
        (400, 9999999, "AADSTS9999999", "https://login.microsoftonline.com/error?code=9999999"),
    ],
)
def test_each_refusal_to_sign_in_has_its_cause(
    cli: Cli, sandbox: Sandbox, customer: Customer, *, status: int, number: int, cause: str, next_step: str
) -> None:
    sandbox.faults.add(TokenRequest(), Status(status, message=f"AADSTS{number}: It is refused.{TRACE}"))
    done = cli("doctor", "--json")
    for found in (check(done, SIGN_IN), check(done, "application")):
        told, advised = said(found).split(" | ")
        assert cause in told
        assert f"AADSTS{number}" in told
        assert next_step in advised
        assert "authorizations must name" not in advised


@pytest.mark.parametrize(
    ("setting", "value", "cause"),
    [
        ("AZURE_CLIENT_SECRET", "a-secret-of-another-registration", "AZURE_CLIENT_SECRET is no secret"),
        ("AZURE_CLIENT_ID", "00000000-0000-4000-8000-00000000dead", "the tenant has no such application"),
        ("AZURE_TENANT_ID", "00000000-0000-4000-8000-00000000dead", "there is no such tenant"),
    ],
)
def test_a_setting_that_names_somebody_else_is_found_out(
    cli: Cli, customer: Customer, monkeypatch: pytest.MonkeyPatch, *, setting: str, value: str, cause: str
) -> None:
    monkeypatch.setenv(setting, value)
    assert cause in said(check(cli("doctor", "--json"), SIGN_IN))


def test_a_federated_sign_in_names_the_identity_that_has_no_token(doctor: Doctor, identity_sandbox: Sandbox) -> None:
    identity_sandbox.faults.add(IdentityTokenRequest(), Status(400))
    found = check(doctor("worker", without=["AZURE_CLIENT_SECRET"], **FEDERATED), SIGN_IN)
    assert "there is no such managed identity here" in said(found)
    assert "PUBLISHER_FEDERATED_IDENTITY_CLIENT_ID" in found["next_step"]


def test_a_trust_that_was_withdrawn_is_told_by_its_subject(
    doctor: Doctor, identity_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity_sandbox.directory.assertions, "federated_object_ids", set())
    found = check(doctor("worker", without=["AZURE_CLIENT_SECRET"], **FEDERATED), SIGN_IN)
    assert "has the subject of the worker's identity" in said(found)
    assert "azd hooks run postdeploy" in found["next_step"]
