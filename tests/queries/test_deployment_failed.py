"""The rule that tells that a customer's deployment failed, over notifications that come twice, late and out of order."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from sandbox.workspace.workspace import Workspace
from tests.queries.fleet import NOW, application_id, subscription_of

Failed = Callable[[], dict[str, tuple[str, str]]]


@pytest.fixture
def failed(fired: Callable[..., dict[tuple[str, ...], float]]) -> Failed:
    """Error code and message by application that fires now."""

    def evaluate() -> dict[str, tuple[str, str]]:
        return {name: (code, message) for _, name, _, code, message in fired("deployment-failed")}

    return evaluate


@pytest.fixture
def notify(workspace: Workspace) -> Callable[..., None]:
    """Stores one accepted notification: what happened, to whom, how many minutes ago."""

    def store(event: str, state: str, minutes_ago: float, name: str = "alpha", **more: Any) -> None:
        error = {"Error_code": "QuotaExceeded", "Error_message": "No cores left"} if state == "Failed" else {}
        row = {
            "TimeGenerated": NOW.isoformat(),
            "Event_time": (NOW - timedelta(minutes=minutes_ago)).isoformat(),
            "Application_id": application_id(name),
            "Application_name": name,
            "Customer_subscription_id": subscription_of(name),
            "Event_type": event,
            "Provisioning_state": state,
        }
        workspace.insert("ManagedApplicationEvents_CL", [{**row, **error, **more}])

    return store


def test_a_failed_deployment_fires_with_its_error(notify: Callable[..., None], failed: Failed) -> None:
    notify("PUT", "Accepted", 20)
    notify("PUT", "Failed", 10)
    notify("PUT", "Succeeded", 5, name="beta")

    assert failed() == {"alpha": ("QuotaExceeded", "No cores left")}


def test_a_repeated_notification_fires_once(notify: Callable[..., None], failed: Failed) -> None:
    notify("PUT", "Failed", 10, Registry_action="TransientFailure", Registry_error="Timeout: the call took too long")
    notify("PUT", "Failed", 10, Application_id=application_id("alpha").lower())

    assert set(failed()) == {"alpha"}


@pytest.mark.parametrize(("event", "state"), [("PUT", "Succeeded"), ("DELETE", "Deleted")])
def test_success_and_deletion_make_it_silent(
    notify: Callable[..., None], failed: Failed, event: str, state: str
) -> None:
    notify("PUT", "Failed", 10)
    notify(event, state, 5)

    assert failed() == {}


@pytest.mark.parametrize(
    ("event", "state"), [("PUT", "Accepted"), ("PATCH", "Succeeded"), ("DELETE", "Deleting"), ("DELETE", "Failed")]
)
def test_what_does_not_repair_the_deployment_does_not_make_it_silent(
    notify: Callable[..., None], failed: Failed, event: str, state: str
) -> None:
    notify("PUT", "Failed", 10)
    notify(event, state, 5)

    assert set(failed()) == {"alpha"}


def test_events_count_by_their_own_time(notify: Callable[..., None], failed: Failed) -> None:
    notify("PUT", "Succeeded", 5)
    notify("PUT", "Failed", 10)

    assert failed() == {}


def test_a_very_long_error_is_cut(notify: Callable[..., None], failed: Failed) -> None:
    notify("PUT", "Failed", 10, Error_message="x" * 5000)

    assert failed() == {"alpha": ("QuotaExceeded", "x" * 250)}


def test_nothing_fires_over_an_empty_table(workspace: Workspace, failed: Failed) -> None:
    assert failed() == {}
