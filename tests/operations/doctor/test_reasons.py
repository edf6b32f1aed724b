"""The doctor and the command line tell the innermost reason of a failure."""

from __future__ import annotations

import json

import pytest

from sandbox.faults.effects import Body
from sandbox.faults.operations import ApplicationRead, IdentityTokenRequest, TokenRequest
from sandbox.local_azure import Sandbox
from tests.operations.command_line import Cli
from tests.operations.doctor.findings import check

INNER = {"code": "ScopeHasSlash", "message": "The scope ends with a slash."}


@pytest.mark.parametrize(
    "body",
    [
        INNER,
        {"Error": {"Code": "BadRequest", "Message": "See inner.", "InnerError": INNER}},
        {"error": {"code": "BadRequest", "message": json.dumps({"error": INNER})}},
    ],
    ids=str,
)
def test_the_command_line_and_the_doctor_tell_the_innermost_reason(cli: Cli, sandbox: Sandbox, body: object) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    assert cli("add", customer.application_id).status == 0
    sandbox.faults.add(ApplicationRead(customer), Body(json.dumps(body).encode(), status=400))

    assert "ScopeHasSlash: The scope ends with a slash." in cli("add", customer.application_id).output
    assert "ScopeHasSlash: The scope ends with a slash." in check(cli("doctor", "--json"), "application")["finding"]


def test_the_doctor_tells_why_there_is_no_token_without_the_ids_of_the_request(cli: Cli, sandbox: Sandbox) -> None:
    guid = "8f0e0000-0000-4000-8000-00000000abcd"
    description = f"AADSTS700016: No such application. Trace ID: {guid} Correlation ID: {guid}"
    refusal = {"error": "unauthorized_client", "error_description": description}
    sandbox.faults.add(TokenRequest(), Body(json.dumps(refusal).encode(), status=400))
    sandbox.faults.add(
        IdentityTokenRequest(), Body(b'{"statusCode": 400, "message": "No identity of that id."}', status=400)
    )

    done = cli("doctor", "--json")

    of_principal = check(done, "token: service principal")["finding"]
    assert of_principal.startswith("the tenant has no such application (AADSTS700016: ")
    assert of_principal.endswith("AADSTS700016: No such application.)")
    assert guid not in done.output
    assert "No identity of that id." in check(done, "token: own identity, for the tables")["finding"]
