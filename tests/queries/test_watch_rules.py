"""The rules about the watch itself: rows that did not arrive, a credential that expires, a canary that is silent."""

from datetime import timedelta

import pytest

from sandbox.workspace.workspace import Workspace
from tests.queries.conftest import Fired, Names, Story
from tests.queries.fleet import NOW, application_id
from tests.queries.published import RESULTS, VERDICTS, Row, at, heartbeat, result, run, store, verdict, violated

MISSING, EXPIRING, CANARY = "rows-missing", "credential-expiring", "canary-missing"


@pytest.mark.parametrize("rule", [MISSING, EXPIRING, CANARY])
def test_nothing_fires_over_empty_tables_heartbeats_and_runs_of_older_versions(
    workspace: Workspace, fired: Fired, rule: str
) -> None:
    assert fired(rule) == {}
    store(workspace, heartbeat(VERDICTS), heartbeat(RESULTS), run(hours_ago=3, Due_by=None, Duration_ms=None))
    assert fired(rule) == {}


def announced(hours_ago: float, results: int, verdicts: int, **more: object) -> Row:
    return run(hours_ago=hours_ago, Result_rows=results, Verdict_rows=verdicts, **more)


def test_rows_that_were_accepted_and_never_arrived_are_counted_by_table(workspace: Workspace, fired: Fired) -> None:
    store(workspace, announced(3, 2, 3), result("alpha", hours_ago=3), verdict("alpha", hours_ago=3))
    store(workspace, announced(2, 1, 1))

    assert fired(MISSING) == {(RESULTS,): 2, (VERDICTS,): 3}


def test_runs_of_which_everything_arrived_are_silent(workspace: Workspace, fired: Fired) -> None:
    store(workspace, announced(3, 2, 3), result("alpha", hours_ago=3), result("beta", hours_ago=3))
    assignments = [verdict("alpha", assignment=name, hours_ago=3) for name in ("baseline", "tls")]
    store(workspace, *assignments, verdict("beta", hours_ago=3))

    assert fired(MISSING) == {}


def test_a_row_that_arrived_twice_does_not_stand_for_another(workspace: Workspace, fired: Fired) -> None:
    store(workspace, announced(3, 2, 2))
    for row in (result("alpha", hours_ago=3), verdict("alpha", hours_ago=3)):
        store(workspace, row, row.shouted())

    assert fired(MISSING) == {(RESULTS,): 1, (VERDICTS,): 1}


def test_a_run_row_that_arrived_twice_announces_once(workspace: Workspace, fired: Fired) -> None:
    store(workspace, announced(3, 2, 0), announced(3, 2, 0), result("alpha", hours_ago=3))

    assert fired(MISSING) == {(RESULTS,): 1}


def test_rows_have_ninety_minutes_from_the_end_of_their_run(workspace: Workspace, fired: Fired) -> None:
    half_an_hour = timedelta(minutes=30) / timedelta(milliseconds=1)
    store(workspace, announced(0, 1, 1, Duration_ms=int(half_an_hour)))

    assert fired(MISSING, at=at(2)) == {}
    assert set(fired(MISSING, at=at(2.01))) == {(RESULTS,), (VERDICTS,)}


def test_rows_that_come_later_close_it(story: Story) -> None:
    arrivals = {0: [announced(3, 1, 0)], 1: [result("alpha", hours_ago=3)]}

    assert story(MISSING, arrivals, until=2) == [f"Fired {MISSING}", f"Resolved {MISSING}"]


def test_rows_of_the_publication_count_for_no_run(workspace: Workspace, fired: Fired) -> None:
    store(workspace, announced(3, 1, 1), verdict("alpha", hours_ago=2), result("alpha", hours_ago=2))

    assert fired(MISSING) == {(RESULTS,): 1, (VERDICTS,): 1}


@pytest.mark.parametrize(("days", "expected"), [(31, []), (29, [EXPIRING]), (0.5, [EXPIRING]), (-3, [EXPIRING])])
def test_a_credential_is_told_of_from_a_month_before_until_it_is_replaced(
    workspace: Workspace, names: Names, days: float, expected: list[str]
) -> None:
    store(workspace, run(hours_ago=2), run(Credential_expires_at=at(24 * days).isoformat()))

    assert names(EXPIRING, at=NOW) == expected


def test_a_credential_that_was_replaced_or_that_nobody_knows_is_not_told_of(workspace: Workspace, names: Names) -> None:
    soon, late = at(24).isoformat(), at(24 * 300).isoformat()
    store(workspace, run(hours_ago=2, Credential_expires_at=soon), run(hours_ago=1, Credential_expires_at=late))
    assert names(EXPIRING) == []
    store(workspace, run())
    assert names(EXPIRING) == []


def test_the_expiry_is_the_same_alert_from_day_to_day(story: Story) -> None:
    arrivals = {hour: [run(hours_ago=-hour, Credential_expires_at=at(240).isoformat())] for hour in range(20)}

    assert story(EXPIRING, arrivals, until=20) == [f"Fired {EXPIRING}"]


def canary(hours_ago: float, name: str = "canary") -> Row:
    return run(hours_ago=hours_ago, Canary_application_id=application_id(name))


def test_a_canary_that_is_reported_is_silent_whatever_the_case_of_its_id(workspace: Workspace, names: Names) -> None:
    store(workspace, canary(5), canary(0), violated("canary").shouted(), verdict("canary", assignment="tls"))

    assert names(CANARY) == []


SILENT = {
    "no row": [],
    "others": [violated("alpha")],
    "compliant": [violated("canary", hours_ago=2), verdict("canary", hours_ago=1)],
    "undecided": [verdict("canary", "Undecided")],
    "left": [violated("canary", hours_ago=2), verdict("canary", "Left", hours_ago=1)],
    "left with its alarm": [violated("canary").with_(Verdict="Left")],
    "no alarm": [verdict("canary", "NonCompliant")],
}


@pytest.mark.parametrize("rows", SILENT.values(), ids=SILENT)
def test_a_canary_that_is_not_reported_fires(workspace: Workspace, names: Names, rows: list[Row]) -> None:
    store(workspace, canary(5), canary(0), *rows)

    assert names(CANARY) == [CANARY]


def test_a_canary_has_the_time_of_two_runs_to_be_found(workspace: Workspace, names: Names) -> None:
    store(workspace, run(hours_ago=9), canary(0))

    assert names(CANARY, at=at(3.4)) == []
    assert names(CANARY, at=at(3.6)) == [CANARY]


def test_another_canary_has_that_time_again_and_none_is_none(workspace: Workspace, names: Names) -> None:
    store(workspace, canary(9, "old"), canary(1))
    assert names(CANARY) == []
    store(workspace, run())
    assert names(CANARY, at=at(9)) == []


def test_an_accepted_or_snoozed_canary_still_sings(workspace: Workspace, names: Names) -> None:
    until = at(99).isoformat()
    store(workspace, canary(5), canary(0), violated("canary", Accepted_until=until, Snoozed_until=until))

    assert names(CANARY) == []
