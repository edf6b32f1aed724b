"""Everything that the webhook depends on, failing in every way: a notification is on the queue, or Azure sends it again."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from notification_endpoint.endpoint import BUDGET_SECONDS
from notification_endpoint.outbox import OUTBOX
from sandbox.local_azure import Sandbox
from tests.reliability.secrets_watch import secrets_stay_unsaid
from tests.reliability.webhook_cell import play
from tests.reliability.webhook_expectations import Expectation, cells

CELLS = [pytest.param(*key, expectation, id=" - ".join(key)) for key, expectation in cells().items()]


@pytest.fixture
async def front(identity_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sandbox]:
    """A sandbox in which this process is the front, with that identity and no other."""
    monkeypatch.setenv("IDENTITY_HEADER", identity_sandbox.environment_of("front")["IDENTITY_HEADER"])
    with secrets_stay_unsaid(identity_sandbox):
        yield identity_sandbox
        await OUTBOX.close()


@pytest.mark.parametrize(("dependency", "fault", "expectation"), CELLS)
async def test_under_any_fault_a_notification_is_queued_or_asked_for_again(
    front: Sandbox, dependency: str, fault: str, expectation: Expectation
) -> None:
    played = await play(front, dependency, fault)

    assert set(played.answers.values()) == {expectation.lasting}
    assert set(played.queued.values()) - {0} == ({expectation.queued} - {0})
    assert played.seconds < BUDGET_SECONDS
    assert set(played.repeated.values()) == {200}, "Azure repeats, and now all is well"
    assert played.queued_at_last.keys() == played.answers.keys(), "none is lost"


@pytest.mark.parametrize(
    ("dependency", "fault", "expectation"),
    [cell for cell in CELLS if cell.values[-1].passing is not None],  # type: ignore[union-attr]
)
async def test_a_fault_that_passes_at_once_is_told_only_where_azure_said_no(
    front: Sandbox, dependency: str, fault: str, expectation: Expectation
) -> None:
    played = await play(front, dependency, fault, passing=True)

    assert set(played.answers.values()) == {expectation.passing}
    assert all(status == 503 or name in played.queued for name, status in played.answers.items())
    assert played.queued_at_last.keys() == played.answers.keys(), "none is lost"
