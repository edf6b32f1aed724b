"""The rule that tells that an expected assignment has not been evaluated for two days."""

from collections.abc import Callable, Iterable

import pytest

from sandbox.workspace.workspace import Workspace
from tests.queries.fleet import NOW, Fleet, good

Unevaluated = Callable[[], dict[str, float]]


@pytest.fixture
def unevaluated(fired: Callable[..., dict[tuple[str, ...], float]]) -> Unevaluated:
    """Assignments without states by application that fires now."""

    def evaluate() -> dict[str, float]:
        return {name: value for (_, name, _), value in fired("assignment-without-states", at=NOW).items()}

    return evaluate


Missing = int | str | None


def write_runs(fleet: Fleet, hours: Iterable[int], **missing: Missing | Callable[[int], Missing]) -> None:
    """Write a completed run at each of these hours ago; a number is Assignments_without_states, a text an outcome."""
    for hours_ago in hours:
        run_id = fleet.run(hours_ago=hours_ago, registered=len(missing))
        run = {"TimeGenerated": fleet.started(run_id), "Run_id": run_id}
        for name, value in missing.items():
            found = value(hours_ago) if callable(value) else value
            if isinstance(found, str):
                fleet.upload_result(run, name, found)
            else:
                fleet.upload_result(run, name, [good()], Assignments_without_states=found, Assignments_expected=3)


HOURLY = range(47, -1, -1)
HALF_DAILY = (47, 35, 23, 11)


@pytest.mark.parametrize("hours", [HOURLY, HALF_DAILY])
def test_two_days_without_states_fire(fleet: Fleet, unevaluated: Unevaluated, hours: Iterable[int]) -> None:
    write_runs(fleet, hours, alpha=2, beta=0)

    assert unevaluated() == {"alpha": 2}


def test_a_new_application_gets_its_two_days(fleet: Fleet, unevaluated: Unevaluated) -> None:
    write_runs(fleet, HOURLY[:10], beta=0)
    write_runs(fleet, HOURLY[10:], alpha=2, beta=0)

    assert unevaluated() == {}


def test_a_new_installation_gets_its_two_days(fleet: Fleet, unevaluated: Unevaluated) -> None:
    write_runs(fleet, range(30, -1, -1), alpha=2)

    assert unevaluated() == {}


def test_states_seen_once_in_two_days_are_enough(fleet: Fleet, unevaluated: Unevaluated) -> None:
    write_runs(fleet, HOURLY, alpha=lambda hours_ago: 0 if hours_ago == 20 else 1)

    assert unevaluated() == {}


def test_reads_that_failed_say_nothing_about_it(fleet: Fleet, unevaluated: Unevaluated) -> None:
    write_runs(fleet, HOURLY, alpha=lambda hours_ago: "Throttled" if hours_ago % 5 == 2 else 1, beta="AccessDenied")

    assert unevaluated() == {"alpha": 1}


def test_assignments_that_are_not_known_yet_are_not_missed(fleet: Fleet, unevaluated: Unevaluated) -> None:
    write_runs(fleet, HOURLY, alpha=None)

    assert unevaluated() == {}


def test_a_customer_who_left_is_silent_with_the_next_completed_run(fleet: Fleet, unevaluated: Unevaluated) -> None:
    write_runs(fleet, HOURLY[:-1], alpha=1, beta=0)
    assert unevaluated() == {"alpha": 1}

    fleet.run(beta=[good()])

    assert unevaluated() == {}


def test_nothing_fires_over_empty_tables(workspace: Workspace, unevaluated: Unevaluated) -> None:
    assert unevaluated() == {}
