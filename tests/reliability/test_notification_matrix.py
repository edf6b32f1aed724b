"""Everything that the worker's notifications depend on, failing in every way: none lost, no live customer forgotten."""

from __future__ import annotations

from collections import Counter

import pytest

from sandbox.local_azure import Sandbox
from tests.reliability.notification_cell import play
from tests.reliability.notification_expectations import RECONCILED, Expectation, cells

pytestmark = pytest.mark.usefixtures("nothing_secret_is_logged")


@pytest.mark.parametrize(
    ("dependency", "fault", "expectation"),
    [pytest.param(*key, expectation, id=" - ".join(key)) for key, expectation in cells().items()],
)
async def test_under_any_fault_a_notification_is_done_or_waits_or_is_delivered_again(
    sandbox: Sandbox, environment: dict[str, str], dependency: str, fault: str, expectation: Expectation
) -> None:
    played = await play(sandbox, dependency, fault)

    assert played.outcomes == expectation.outcomes
    assert played.still_waiting == 0, "the queue delivers again, a timer asks again, and now all is well"
    assert played.registered_at_last == played.truth
    assert played.needed_reconciliation is (expectation.healed_by == RECONCILED)
    for situation in ("changed", "forged"):
        customer = played.customers[situation].application_id
        assert customer in played.registered or (situation, expectation.forged) == ("forged", "Removed")
    _assert_every_event_is_told(played.events, {one.application_id for one in played.customers.values()})


def _assert_every_event_is_told(events: list[dict[str, object]], applications: set[str]) -> None:
    latest = {event["Event_id"]: event for event in events}
    assert len(latest) == 4, "one event for each notification, however often it was delivered"
    assert {event["Application_id"] for event in latest.values()} == applications
    outcomes = Counter(bool(event["Registry_error"]) for event in latest.values())
    assert outcomes == {False: 4}, "what became of it in the end"
