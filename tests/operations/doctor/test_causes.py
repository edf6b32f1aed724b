"""Each code that Azure refuses with leads to its own cause and next step, and to no other's."""

from __future__ import annotations

from typing import Any

import pytest

from operations.doctor.causes.cause import Service
from operations.doctor.causes.table import CAUSES
from sandbox.faults.effects import Body, Status
from sandbox.faults.operations import (
    ApplicationRead,
    LogQuery,
    Operation,
    PolicyQuery,
    QueueRequest,
    TableRequest,
    Upload,
)
from sandbox.local_azure import Sandbox
from sandbox.workspace.schema import read_tables
from sandbox.world.customers import Customer
from tests.operations.command_line import Cli
from tests.operations.doctor.conftest import Doctor
from tests.operations.doctor.findings import check, said

STREAM = f"stream Custom-{next(iter(read_tables()))}"


@pytest.fixture
def customer(sandbox: Sandbox, cli: Cli) -> Customer:
    customer = sandbox.arm.add_customer("Contoso")
    assert cli("add", customer.application_id).status == 0
    return customer


@pytest.mark.parametrize(
    ("status", "code", "cause", "next_step"),
    [
        (403, "KeyBasedAuthenticationNotPermitted", "the account takes no keys", "AzureWebJobsStorage__accountName"),
        (403, "AuthenticationFailed", "the key is wrong", "correct the connection string"),
        (403, "AuthorizationFailure", "firewall", "A role does not help"),
        (403, "AuthorizationPermissionMismatch", "lacks the role", "Storage Table Data Contributor"),
        (403, "AccountIsDisabled", "the account is disabled", "ask its owner"),
        (403, "SomethingNew", "SomethingNew", "the message says"),
        (503, "ServerBusy", "out of order", "status page"),
    ],
)
def test_each_refusal_of_a_connection_string_has_its_cause(
    cli: Cli, sandbox: Sandbox, customer: Customer, *, status: int, code: str, cause: str, next_step: str
) -> None:
    sandbox.faults.add(TableRequest("GET"), Status(status, code=code))
    told, advised = said(check(cli("doctor", "--json"), "registry: read")).split(" | ")
    assert cause in told
    assert next_step in advised
    assert ("Contributor" in advised) is (code == "AuthorizationPermissionMismatch")


@pytest.mark.parametrize(
    ("operation", "name", "role"),
    [
        (TableRequest("GET"), "registry: read", "Storage Table Data Contributor"),
        (QueueRequest("GET", "notifications"), "messages in notifications", "Storage Queue Data Contributor"),
    ],
)
@pytest.mark.parametrize(
    ("status", "code", "cause"),
    [
        (403, "AuthenticationFailed", "storage does not accept the identity's token"),
        (401, "InvalidAuthenticationInfo", "storage does not accept the identity's token"),
        (403, "AuthorizationFailure", "firewall"),
        (403, "AuthorizationPermissionMismatch", "lacks the role"),
    ],
)
def test_each_refusal_of_an_identity_by_storage_has_its_cause(
    doctor: Doctor,
    identity_sandbox: Sandbox,
    *,
    operation: Operation,
    name: str,
    role: str,
    status: int,
    code: str,
    cause: str,
) -> None:
    identity_sandbox.faults.add(operation, Status(status, code=code))
    found = check(doctor("worker"), name)
    assert cause in said(found)
    assert (role in found["next_step"]) is (cause == "lacks the role")


def test_an_account_that_is_not_there_is_told_apart_from_one_that_refuses(doctor: Doctor) -> None:
    nowhere = {"AzureWebJobsStorage__tableServiceUri": "https://no-such-account.invalid"}
    assert "there is no host of that name" in said(check(doctor("worker", **nowhere), "registry: read"))


def test_a_gateways_refusal_is_no_word_of_the_queue(doctor: Doctor, identity_sandbox: Sandbox) -> None:
    identity_sandbox.faults.add(QueueRequest("POST"), Body(b"<html>no</html>", "text/html", 407))
    assert "Sender" not in said(check(doctor("front"), "queue notifications"))


@pytest.mark.parametrize(
    ("status", "code", "cause", "next_step"),
    [
        (403, "AuthorizationFailed", "the service principal may not read it", "object id"),
        (401, "InvalidAuthenticationTokenTenant", "not to be seen from the publisher's tenant", "AZURE_TENANT_ID"),
        (404, "SubscriptionNotFound", "not to be seen from the publisher's tenant", "still exists"),
        (401, "ExpiredAuthenticationToken", "our own token is too old", "set the clock"),
        (401, "InvalidAuthenticationTokenAudience", "our own token is for another service", "of one cloud"),
        (401, "RevokedAuthenticationToken", "our own token was revoked", "try again"),
        (401, "AuthenticationFailed", "no customer is at fault", "of one cloud"),
        (409, "ReadOnlyDisabledSubscription", "the customer's subscription is disabled", "only the customer"),
        (409, "MissingSubscriptionRegistration", "not registered", "az provider register"),
        (409, "ScopeLocked", "a lock of the customer", "only the customer"),
        (409, "ResourceGroupBeingDeleted", "is being deleted", "wait"),
        (404, "ResourceGroupNotFound", "does not exist", "reconcile"),
        (400, "NoRegisteredProviderFound", "does not have this service", "of one cloud"),
        (429, "TooManyRequests", "too many requests", "MAX_CONCURRENT_PER_SUBSCRIPTION"),
        (403, "SomethingNew", "SomethingNew", "the message says"),
    ],
)
@pytest.mark.parametrize("operation", [ApplicationRead(), PolicyQuery()], ids=["application", "states"])
def test_each_refusal_of_a_customers_has_its_cause(
    cli: Cli,
    sandbox: Sandbox,
    customer: Customer,
    *,
    operation: Operation,
    status: int,
    code: str,
    cause: str,
    next_step: str,
) -> None:
    sandbox.faults.add(operation, Status(status, code=code))
    told, advised = said(check(cli("doctor", "--json"), "application")).split(" | ")
    assert cause in told
    assert next_step in advised
    assert ("authorizations must name" in advised) is (code == "AuthorizationFailed")


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (Status(403), "lacks the role on the data collection rule"),
        (Status(403, message="Access over public network is denied, use private link."), "closed to the network"),
        (Status(401, code="InvalidToken"), "does not accept the identity's token"),
        (Status(404, code="NotFound"), "no such rule"),
        (Body(b"", status=502), "out of order"),
    ],
)
def test_each_refusal_of_rows_has_its_cause(
    cli: Cli, sandbox: Sandbox, customer: Customer, fault: Any, cause: str
) -> None:
    sandbox.faults.add(Upload(), fault)
    assert cause in said(check(cli("doctor", "--json"), STREAM))


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (Status(403, code="InsufficientAccessError"), "may not read it"),
        (Status(403, code="NspValidationFailedError"), "closed to the network"),
        (Status(401, code="AuthenticationFailed"), "does not accept the identity's token"),
        (Status(403, code="InvalidAuthenticationTokenAudience"), "does not accept the identity's token"),
        (Status(404, code="WorkspaceNotFoundError"), "no such workspace"),
    ],
)
def test_each_refusal_of_a_question_has_its_cause(
    doctor: Doctor, identity_sandbox: Sandbox, fault: Any, cause: str
) -> None:
    identity_sandbox.faults.add(LogQuery(), fault)
    assert cause in said(check(doctor("api"), "table PolicyVerdicts_CL"))


def test_no_code_of_a_service_has_two_causes() -> None:
    codes = [(cause.service, code) for cause in CAUSES for code in cause.codes]
    assert len(codes) == len(set(codes))
    assert {cause.service for cause in CAUSES} == set(Service)
