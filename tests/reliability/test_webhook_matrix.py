"""Everything that the webhook depends on, failing in every way: no notification lost, no live customer forgotten."""

from __future__ import annotations

from collections import Counter

import pytest

from notification_endpoint.endpoint import BUDGET_SECONDS
from sandbox.local_azure import Sandbox
from tests.reliability.webhook_cell import play
from tests.reliability.webhook_expectations import RECONCILED, Expectation, cells

pytestmark = pytest.mark.usefixtures("nothing_secret_is_logged")


@pytest.mark.parametrize(
    ("dependency", "fault", "expectation"),
    [pytest.param(*key, expectation, id=" - ".join(key)) for key, expectation in cells().items()],
)
async def test_under_any_fault_a_notification_is_done_or_asked_for_again(
    sandbox: Sandbox, environment: dict[str, str], dependency: str, fault: str, expectation: Expectation
) -> None:
    played = await play(sandbox, dependency, fault)

    assert played.answers == expectation.answers
    assert played.seconds < BUDGET_SECONDS
    assert {answer[:3] for answer in played.repeated.values()} <= {"200"}, "Azure repeats, and now all is well"
    assert played.registered_at_last == played.truth
    assert played.needed_reconciliation is (expectation.healed_by == RECONCILED)
    for situation in ("changed", "forged"):
        customer = played.customers[situation].application_id
        assert customer in played.registered or (situation, expectation.forged) == ("forged", "200 Removed")
    _assert_every_event_is_told(played.events, {one.application_id for one in played.customers.values()})


def _assert_every_event_is_told(events: list[dict[str, object]], applications: set[str]) -> None:
    latest = {event["Event_id"]: event for event in events}
    assert len(latest) == 4, "one event for each notification, however often it was delivered"
    assert {event["Application_id"] for event in latest.values()} == applications
    outcomes = Counter(bool(event["Registry_error"]) for event in latest.values())
    assert outcomes == {False: 4}, "what became of it in the end"
