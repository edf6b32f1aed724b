"""Why an application could not be read: the innermost reason stands in its result row and in its alarm."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from sandbox.faults.effects import Body
from sandbox.faults.operations import PolicyQuery, TokenRequest
from tests.collector.conftest import RESULTS_TABLE, Fleet

SLASH = {"code": "ScopeHasSlash", "message": "The scope ends with a slash."}


@pytest.mark.parametrize(
    ("body", "content_type", "reason"),
    [
        (SLASH, "application/json", ("ScopeHasSlash", "The scope ends with a slash.")),
        ({"Code": SLASH["code"], "Message": SLASH["message"]}, "application/json", ("ScopeHasSlash", "The scope ends with a slash.")),
        ({"error": {"code": "BadRequest", "message": "See inner.", "innererror": SLASH}}, "application/json", ("ScopeHasSlash", "The scope ends with a slash.")),
        ({"error": {"code": "BadRequest", "message": json.dumps({"error": SLASH})}}, "text/plain", ("ScopeHasSlash", "The scope ends with a slash.")),
        ({"statusCode": 400, "message": "No such identity."}, "application/json", ("Http400", "No such identity.")),
        ("<html><title>No entry</title><p>Not by this way.</p></html>", "text/html", ("Http400", "No entry: Not by this way.")),
        ("it broke\nsomewhere", "text/plain", ("Http400", "it broke somewhere")),
    ],
    ids=str,
)  # fmt: skip
async def test_a_result_row_has_the_reason_of_every_error_body(
    fleet: Fleet, body: Any, content_type: str, reason: tuple[str, str]
) -> None:
    (customer,) = await fleet.deploy("Contoso")
    content = body if isinstance(body, str) else json.dumps(body)
    fleet.sandbox.faults.add(PolicyQuery(customer), Body(content.encode(), content_type, 400))

    await fleet.collect()

    (row,) = fleet.rows(RESULTS_TABLE)
    assert row["Outcome"] == "Failed"
    assert (row["Error_code"], row["Error_message"].rpartition("Azure answered: ")[2]) == reason


async def test_an_alarm_about_a_reading_that_failed_has_the_innermost_reason(fleet: Fleet) -> None:
    (customer,) = await fleet.deploy("Contoso")
    await fleet.collect()
    body = {"error": {"code": "Forbidden", "message": "See inner.", "innererror": {"code": "NotFromThere"}}}
    fleet.sandbox.faults.add(PolicyQuery(customer), Body(json.dumps(body).encode(), status=403))
    for _ in range(4):
        fleet.sandbox.clock.advance(timedelta(hours=1))
        await fleet.collect()

    row = fleet.latest_result(customer)
    assert (row["Error_code"], row["Error_message"].rpartition(": ")[2]) == ("NotFromThere", "See inner.")
    assert "NotFromThere: " in row["Unread_alarm_says"]
    assert "See inner." in row["Unread_alarm_says"]


async def test_a_token_that_is_refused_is_told_with_entra_ids_own_code(fleet: Fleet) -> None:
    await fleet.deploy("Contoso")
    guid = "8f0e0000-0000-4000-8000-00000000abcd"
    description = f"AADSTS7000222: The secret has expired.\r\nTrace ID: {guid}\r\nCorrelation ID: {guid}"
    body = {"error": "invalid_client", "error_description": description, "error_codes": [7000222]}
    fleet.sandbox.faults.add(TokenRequest(), Body(json.dumps(body).encode(), status=401))

    await fleet.collect()

    (row,) = fleet.rows(RESULTS_TABLE)
    assert row["Error_code"] == "AADSTS7000222"
    assert row["Error_message"].endswith("AADSTS7000222: The secret has expired.")


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "text/html"])
async def test_no_secret_of_an_error_body_is_in_a_row_or_a_log_line(
    fleet: Fleet, caplog: pytest.LogCaptureFixture, content_type: str
) -> None:
    await fleet.deploy("Contoso")
    said = "It refused Server=x;Pwd=Hunter2a;User=y, x-functions-key: Hunter2b, https://bob:Hunter2c@host/?code=Hunter2d now."
    if content_type == "application/json":
        said = json.dumps({"error": {"code": "Refused", "message": said + ' {"clientSecret": "Hunter2 e"}'}})
    elif content_type == "text/html":
        said = f"<html><p>{said}</p><adminPassword>Hunter2 f</adminPassword></html>"
    fleet.sandbox.faults.add(PolicyQuery(None), Body(said.encode(), content_type, 400))

    await fleet.collect()

    (row,) = fleet.rows(RESULTS_TABLE)
    assert "It refused Server=x;Pwd=…;User=y, x-functions-key:… https://…host/?code=… now." in row["Error_message"]
    assert "Hunter2" not in str(row) + caplog.text
