"""The weekly digest: once on Monday, also when all is well, whatever is late, and with the figures of six o'clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.alerts.evaluation import AlertEvaluator, Notification
from sandbox.alerts.mail import MailAction
from sandbox.alerts.rules import AlertRule, read_rules
from sandbox.clock import Clock
from sandbox.workspace.schema import read_tables
from sandbox.workspace.workspace import Workspace
from tests.queries import fleet as written
from tests.queries.fleet import Fleet, State, bad, good
from tests.queries.tickets import mapped, mapping_of
from verdicts.plan_settings import PlanSettings, Severity

MONDAY = datetime(2026, 3, 9, 6, 0, tzinfo=UTC)
DAY, HOUR, QUARTER = timedelta(days=1), timedelta(hours=1), timedelta(minutes=15)
DIGEST = "weekly-digest"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def workspace(clock: Clock) -> Iterator[Workspace]:
    with Workspace(read_tables(), clock=clock) as workspace:
        yield workspace


@pytest.fixture
def told(workspace: Workspace, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """A fleet whose runs are so many hours before Monday's six o'clock."""
    monkeypatch.setattr(written, "NOW", MONDAY)
    clock.stop(MONDAY)
    return Fleet(workspace)


@pytest.fixture(scope="session")
def rule() -> AlertRule:
    [found] = [one for one in read_rules("PT1H") if one.name == DIGEST]
    return found


def play(evaluator: AlertEvaluator, clock: Clock, times: Iterator[datetime]) -> list[Notification]:
    """Evaluate at these times and return everything that was told."""
    found = []
    for time in times:
        clock.stop(time)
        found += evaluator.evaluate(time)
    return found


def every(step: timedelta, begin: datetime, end: datetime) -> Iterator[datetime]:
    while begin < end:
        yield begin
        begin += step


def digest(workspace: Workspace, clock: Clock, rule: AlertRule, at: datetime = MONDAY + 2 * HOUR) -> dict[str, str]:
    """What the digest says at a time."""
    clock.stop(at)
    [one] = AlertEvaluator([rule], workspace).evaluate(at)
    return dict(one.dimensions)


def stored(workspace: Workspace, table: str) -> list[dict[str, Any]]:
    """A table's rows as they can be stored again."""
    return [
        {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
        for row in workspace.query(table)
    ]


def hourly(fleet: Fleet, clock: Clock, hours: range) -> None:
    """A run each hour, counted from Monday at six; the number that are violated changes all the time."""
    for hour in hours:
        clock.stop(MONDAY + hour * HOUR)
        fleet.run(hours_ago=-hour, alpha=[bad()], beta=[bad()] if hour % 2 else [good()], gamma=[good()])


def test_it_comes_once_a_week_while_everything_changes(
    told: Fleet, workspace: Workspace, clock: Clock, rule: AlertRule
) -> None:
    evaluator, found = AlertEvaluator([rule], workspace), list[Notification]()
    for hour in (*range(-10, 18), *range(24 * 7 - 1, 24 * 7 + 4)):
        hourly(told, clock, range(hour, hour + 1))
        begin = MONDAY + hour * HOUR + timedelta(minutes=5)
        step = QUARTER if 0 <= hour < 3 or 12 <= hour < 16 else HOUR
        found += play(evaluator, clock, every(step, begin, begin + HOUR))

    fired = [one for one in found if one.condition == "Fired"]
    assert [one.dimensions["Week"] for one in fired] == ["2026-03-09", "2026-03-16"]
    assert sum(one.condition == "Resolved" for one in found) == 1
    assert fired[0].payload["data"]["essentials"]["firedDateTime"].startswith("2026-03-09T07:3")


@pytest.mark.parametrize("late", [timedelta(minutes=1), 3 * HOUR, 11 * HOUR])
def test_evaluations_that_are_late_or_left_out_lose_nothing_and_tell_nothing_twice(
    told: Fleet, workspace: Workspace, clock: Clock, rule: AlertRule, late: timedelta
) -> None:
    hourly(told, clock, range(-8, 1))
    before = every(HOUR, MONDAY - 8 * HOUR, MONDAY + HOUR)
    found = play(
        AlertEvaluator([rule], workspace),
        clock,
        iter([*before, *every(max(late, HOUR), MONDAY + 2 * HOUR + late, MONDAY + DAY)]),
    )

    assert [one.condition for one in found][:1] == ["Fired"]
    assert sum(one.condition == "Fired" for one in found) == 1


def test_rows_that_come_after_it_change_nothing_and_fire_nothing_more(
    told: Fleet, workspace: Workspace, clock: Clock, rule: AlertRule
) -> None:
    hourly(told, clock, range(-8, 1))
    evaluator = AlertEvaluator([rule], workspace)
    first = play(evaluator, clock, iter([MONDAY + 2 * HOUR]))
    hourly(told, clock, range(1, 9))

    assert [one.condition for one in first] == ["Fired"]
    assert play(evaluator, clock, every(HOUR, MONDAY + 3 * HOUR, MONDAY + 13 * HOUR)) == []
    assert digest(workspace, clock, rule, MONDAY + 13 * HOUR) == dict(first[0].dimensions)


def test_rows_that_are_an_hour_late_are_in_it(told: Fleet, workspace: Workspace, clock: Clock, rule: AlertRule) -> None:
    hourly(told, clock, range(-8, 0))
    clock.stop(MONDAY + HOUR)
    told.run(hours_ago=0.1, delta="AccessDenied")

    assert digest(workspace, clock, rule)["Unread"].startswith("1 of 4 could not be read: Customer delta (delta)")


@pytest.mark.parametrize("day", [1, 2, 3, 4, 5, 6])
def test_no_other_day_has_one(told: Fleet, workspace: Workspace, clock: Clock, rule: AlertRule, day: int) -> None:
    begin = MONDAY + day * DAY
    clock.stop(begin)
    told.run(hours_ago=-24 * day, alpha=[bad()])

    assert play(AlertEvaluator([rule], workspace), clock, every(3 * HOUR, begin, begin + DAY)) == []


def test_all_is_well_and_it_comes(told: Fleet, workspace: Workspace, clock: Clock, rule: AlertRule) -> None:
    told.run(hours_ago=1, alpha=[good()])

    assert digest(workspace, clock, rule) == {
        "Week": "2026-03-09",
        "Overdue": "nothing is overdue",
        "Ending": "no acceptance or exemption ends within a week",
        "Unread": "every application was read, 1 of 1",
        "Oldest": "nothing is open that is not accepted",
        "Watch": "1 run within a day, the latest of 2026-03-09 05:00 UTC",
    }


def test_it_says_that_nobody_knows_when_there_was_no_run(
    workspace: Workspace, clock: Clock, rule: AlertRule, told: Fleet
) -> None:
    found = digest(workspace, clock, rule)

    assert found["Watch"] == "no run was completed within a day: the figures are older"
    assert found["Unread"] == "no application is known"
    for part in ("Overdue", "Ending", "Oldest"):
        assert found[part] == "nobody knows: there is neither a run nor a verdict to tell it by"


def test_nobody_is_registered_and_a_run_says_so(
    told: Fleet, workspace: Workspace, clock: Clock, rule: AlertRule
) -> None:
    told.run(hours_ago=1)

    found = digest(workspace, clock, rule)

    assert (found["Overdue"], found["Unread"]) == ("nothing is overdue", "no application is known")


def test_a_finding_stays_in_it_when_the_result_rows_of_its_application_are_lost(
    told: Fleet, workspace: Workspace, clock: Clock, rule: AlertRule
) -> None:
    told.run(hours_ago=1, alpha=[bad()], beta=[good()])
    kept = {table: stored(workspace, table) for table in ("PolicyVerdicts_CL", "PolicyCollectionRuns_CL")}
    workspace.clear()
    for table, rows in kept.items():
        workspace.insert(table, rows)

    assert digest(workspace, clock, rule)["Oldest"].startswith("Customer alpha (alpha), The baseline: since 2026-03-09")


@pytest.mark.parametrize("monday", [datetime(2026, 12, 28, 6, tzinfo=UTC), datetime(2027, 1, 4, 6, tzinfo=UTC)])
def test_a_week_across_the_end_of_a_year_has_its_one(
    workspace: Workspace, clock: Clock, rule: AlertRule, monkeypatch: pytest.MonkeyPatch, monday: datetime
) -> None:
    monkeypatch.setattr(written, "NOW", monday)
    clock.stop(monday)
    Fleet(workspace).run(hours_ago=1, alpha=[good()])

    found = play(AlertEvaluator([rule], workspace), clock, every(HOUR, monday - 2 * DAY, monday + 2 * DAY))

    assert [one.dimensions["Week"] for one in found if one.condition == "Fired"] == [f"{monday:%Y-%m-%d}"]


def test_of_five_thousand_customers_it_counts_all_and_names_five(
    told: Fleet, workspace: Workspace, clock: Clock, rule: AlertRule
) -> None:
    told.run(hours_ago=1, alpha=[bad()], beta="AccessDenied")
    for table in ("PolicyVerdicts_CL", "PolicyCollectionResults_CL"):
        rows = stored(workspace, table)
        numbers = range(2499)
        workspace.insert(
            table, [row | {"Application_id": f"{row['Application_id']}-{no}"} for row in rows for no in numbers]
        )

    found = digest(workspace, clock, rule)

    assert found["Unread"].startswith("2500 of 5000 could not be read: ")
    assert found["Oldest"].count("since") == 5
    assert all(len(text) < 1000 for text in found.values())


def test_it_counts_what_is_overdue_by_severity_as_of_six(
    told: Fleet, workspace: Workspace, clock: Clock, rule: AlertRule
) -> None:
    told.settled = {"": PlanSettings("", Severity.LOW, {"tls": Severity.CRITICAL, "keys": Severity.HIGH})}
    states = {"alpha": [bad(assignment="tls")], "beta": [bad(assignment="keys")], "gamma": [bad(assignment="tags")]}
    clock.stop(MONDAY - 7 * DAY - HOUR)
    told.run(hours_ago=7 * 24 + 1, **states)
    clock.stop(MONDAY)
    told.run(hours_ago=1, **states)

    found = digest(workspace, clock, rule)

    assert found["Overdue"] == "2 overdue: critical 1, high 1, medium 0, low 0"
    assert found["Oldest"] == (
        "Customer alpha (alpha), The tls: since 2026-03-02, critical, overdue; "
        "Customer beta (beta), The keys: since 2026-03-02, high, overdue; "
        "Customer gamma (gamma), The tags: since 2026-03-02, low"
    )
    told.accept("alpha", until=MONDAY + 3 * DAY)
    told.run(hours_ago=0.5, alpha=states["alpha"])
    accepted = digest(workspace, clock, rule)
    assert accepted["Overdue"] == "1 overdue: critical 0, high 1, medium 0, low 0"
    assert accepted["Ending"] == (
        "1 within a week: acceptance of violations, Customer alpha (alpha), The tls: 2026-03-12 06:00"
    )
    assert "alpha" not in accepted["Oldest"]


def test_acceptances_and_exemptions_that_end_within_a_week_are_named_the_soonest_first(
    told: Fleet, workspace: Workspace, clock: Clock, rule: AlertRule
) -> None:
    told.exempted = {"soon": MONDAY + DAY, "later": MONDAY + 8 * DAY, "past": MONDAY - DAY}
    told.run(hours_ago=3, guarded=[good()], held=[bad()], **{name: [State("Exempt")] for name in told.exempted})
    told.accept("held", until=MONDAY + 6 * DAY)
    told.run(hours_ago=1, weakened=["guarded"], guarded=[good()], held=[bad()])

    assert digest(workspace, clock, rule)["Ending"] == (
        "2 within a week: exemption, Customer soon (soon), The baseline: 2026-03-10 06:00; "
        "acceptance of violations, Customer held (held), The baseline: 2026-03-15 06:00"
    )


def test_the_end_of_an_accepted_exemption_is_named_and_the_next_one_when_it_was_accepted_again(
    told: Fleet, workspace: Workspace, clock: Clock, rule: AlertRule
) -> None:
    told.exempted = {"alpha": None}
    told.run(hours_ago=3, alpha=[State("Exempt")])
    told.accept_exemption("alpha", until=MONDAY + 2 * DAY)
    told.run(hours_ago=2, alpha=[State("Exempt")])
    assert digest(workspace, clock, rule)["Ending"] == (
        "1 within a week: acceptance of an exemption, Customer alpha (alpha), The baseline: 2026-03-11 06:00"
    )

    told.accept_exemption("alpha", until=MONDAY + 30 * DAY)
    told.run(hours_ago=1, alpha=[State("Exempt")])
    assert digest(workspace, clock, rule)["Ending"] == "no acceptance or exemption ends within a week"


def test_its_texts_stay_short_however_many_and_however_long(
    told: Fleet, workspace: Workspace, clock: Clock, rule: AlertRule
) -> None:
    names = {f"{'x' * 60}{number:03}": [bad(assignment="y" * 200)] for number in range(30)}
    told.run(hours_ago=2, **names)
    told.run(hours_ago=1, **dict.fromkeys(names, "AccessDenied"))

    found = digest(workspace, clock, rule)

    assert all(len(text) < 1000 for text in found.values())
    assert found["Unread"].startswith("30 of 30 could not be read: ")
    assert found["Unread"].endswith("; and others")
    assert found["Oldest"].count("since") == 5


def test_who_has_left_is_not_in_it(told: Fleet, workspace: Workspace, clock: Clock, rule: AlertRule) -> None:
    told.run(hours_ago=3, alpha=[bad()], beta=[good()])
    told.run(hours_ago=1, alpha="Left", beta=[good()])

    found = digest(workspace, clock, rule)

    assert (found["Unread"], found["Oldest"]) == (
        "every application was read, 1 of 1",
        "nothing is open that is not accepted",
    )


def test_a_mailbox_gets_one_mail_and_its_end_and_teams_a_card_with_all_it_says(
    told: Fleet, workspace: Workspace, clock: Clock, rule: AlertRule
) -> None:
    told.run(hours_ago=1, alpha=[good()])
    mail = MailAction(["team@contoso.example"])
    play(AlertEvaluator([rule], workspace, mail), clock, every(HOUR, MONDAY, MONDAY + DAY))

    conditions = [one.payload["data"]["essentials"]["monitorCondition"] for one in mail.mails]
    assert conditions == ["Fired", "Resolved"]
    assert mail.mails[0].payload["data"]["essentials"]["severity"] == "Sev4"
    card = mapped(mapping_of("teams"), dict(mail.mails[0].payload))["attachments"][0]["content"]
    facts = {fact["title"]: fact["value"] for fact in card["body"][1]["facts"]}
    assert facts["Week"] == "2026-03-09"
    assert facts["Unread"] == "every application was read, 1 of 1"
