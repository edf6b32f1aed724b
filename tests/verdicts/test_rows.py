"""Rows, rendered from what the ledger remembers and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.managed_application import Exemption
from sandbox.workspace.schema import read_tables
from tests.verdicts.remembered import DAY, NOW, applications, assignment, open_key, own_times, remembered
from verdicts.control import RunRecord, Snooze
from verdicts.facts import (
    Acceptance,
    Alarm,
    AlarmKind,
    ApplicationFacts,
    AssignmentGuard,
    Counts,
    Departure,
    Ending,
    GuardState,
    Held,
    HeldReason,
    Label,
    StatesUpload,
    Unread,
)
from verdicts.outcome import Outcome
from verdicts.publication import CHANGES_REPEATED, Publication
from verdicts.rows import (
    forgettable,
    heartbeat_rows,
    iso_milliseconds,
    result_columns,
    result_row_of_ledger,
    verdict_rows,
)

TABLES = read_tables()
LATER = NOW + DAY
HOUR = timedelta(hours=1)
PUBLICATION = Publication("this run", LATER, None)
ACCEPTANCE = Acceptance("ada", "known", NOW, LATER + 9 * DAY)
publications = st.builds(
    Publication,
    st.just("run"),
    own_times,
    st.none() | own_times,
    st.none() | own_times,
    st.none() | st.builds(RunRecord, st.just("run"), own_times, st.integers(0, 9)),
)


def row_of(facts: ApplicationFacts, **publication: Any) -> dict[str, Any]:
    (row,) = verdict_rows(facts, replace(PUBLICATION, **publication))
    return row


def columns_of(table: str) -> dict[str, str]:
    return {column.name: column.stream_type for column in TABLES[table].columns}


def assert_fits(row: dict[str, Any], table: str) -> None:
    kinds: dict[str, tuple[type, ...]] = {
        "string": (str,),
        "datetime": (str, type(None)),
        "long": (int, type(None)),
        "int": (int, type(None)),
        "boolean": (bool,),
    }
    for name, value in row.items():
        kind = columns_of(table)[name]
        assert type(value) in kinds[kind], f"{name} is {value!r}"
        if kind == "datetime" and value is not None:
            assert value.endswith("Z")
            datetime.fromisoformat(value)
    json.dumps(row)


@given(applications, publications)
def test_rows_of_whatever_is_remembered_have_exactly_the_tables_columns(
    facts: ApplicationFacts, publication: Publication
) -> None:
    rows = verdict_rows(facts, replace(publication, previous=None))
    assert len(rows) >= sum(one.ending is None for one in facts.assignments.values())
    for row in rows:
        assert row.keys() == columns_of("PolicyVerdicts_CL").keys()
        assert_fits(row, "PolicyVerdicts_CL")
    assert_fits(result_columns(facts, publication), "PolicyCollectionResults_CL")
    result = result_row_of_ledger(facts, publication)
    assert (result is None) == (facts.unread is None and facts.departure is None)
    assert_fits(result or {}, "PolicyCollectionResults_CL")


def test_times_have_milliseconds_and_a_z() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678_999, tzinfo=timezone(timedelta(hours=2)))
    assert iso_milliseconds(moment) == "2026-01-02T01:04:05.678Z"


def test_a_row_names_everything_that_a_person_asks_for() -> None:
    violated = assignment(
        "baseline",
        *(f"resource-{number}" for number in range(7)),
        display_name="The baseline",
        counts=Counts(7, 3, 2, 1, 4),
        held=Held(HeldReason.NO_STATES, NOW),
    )
    row = row_of(remembered(violated))
    assert row["TimeGenerated"] == iso_milliseconds(LATER)
    assert (row["Customer_name"], row["Plan_name"], row["Plan_version"]) == ("Contoso", "standard", "1.0.0")
    assert (row["Verdict"], row["Since"]) == ("NonCompliant", iso_milliseconds(NOW - DAY))
    assert (row["Held_reason"], row["Held_since"]) == ("NoStates", iso_milliseconds(NOW))
    assert (row["Noncompliant_states"], row["Compliant_states"], row["Exempt_states"], row["Unknown_states"]) == (
        7,
        3,
        2,
        5,
    )
    assert row["Resources"] == "resource-0, resource-1, resource-2, resource-3, resource-4"
    assert json.loads(row["Resource_ids"]) == sorted(key.key.resource_id for key in violated.open)[:5]
    assert (row["Policy_assignment_display_name"], row["Label_assignment"]) == ("The baseline", "The baseline")


@pytest.mark.parametrize(
    ("of_assignment", "verdict"),
    [
        ({}, "Compliant"),
        ({"overflow": True}, "NonCompliant"),
        ({"undecided_since": NOW}, "Undecided"),
        ({"undecided_since": NOW, "decided": False}, "NotEvaluated"),
        ({"ending": Ending.LEFT, "changed_at": NOW}, "Left"),
        ({"ending": Ending.RETIRED, "changed_at": NOW}, "Retired"),
    ],
)
def test_the_verdict_is_derived(of_assignment: dict[str, Any], verdict: str) -> None:
    assert row_of(remembered(assignment(**of_assignment)))["Verdict"] == verdict


def test_what_could_not_be_read_stands_as_of_the_last_read() -> None:
    facts = remembered(
        assignment("a", "one"), unread=Unread(NOW + HOUR, 2, Outcome.ACCESS_DENIED, "AuthorizationFailed")
    )
    row = row_of(facts, record=RunRecord("later", LATER, 0))
    assert (row["Verdict"], row["Current"], row["Last_read"]) == ("NonCompliant", False, iso_milliseconds(NOW))
    assert (row["Unread_since"], row["Unread_outcome"]) == (iso_milliseconds(NOW + HOUR), "AccessDenied")
    assert (row["Held_reason"], row["Held_since"]) == ("Unread", iso_milliseconds(NOW + HOUR))


def test_a_run_that_changed_nothing_read_the_application_all_the_same() -> None:
    facts = remembered(assignment(), states=StatesUpload("first", NOW, 12))
    row = row_of(facts, record=RunRecord("latest", NOW + HOUR, 0))
    assert (row["Current"], row["Last_read"]) == (True, iso_milliseconds(NOW + HOUR))
    assert (row["States_id"], row["States_time"], row["States_rows"]) == ("first", iso_milliseconds(NOW), 12)


def test_a_run_that_read_the_application_says_so_itself() -> None:
    facts = remembered(assignment(), states=StatesUpload("first", NOW, 12))
    row = row_of(facts, read_at=LATER, record=RunRecord("latest", NOW + HOUR, 0))
    assert row["Last_read"] == iso_milliseconds(LATER)
    assert (row["States_id"], row["States_time"], row["States_rows"]) == ("first", iso_milliseconds(NOW), 12)


def test_an_older_record_takes_nothing_back() -> None:
    row = row_of(remembered(assignment(), states=StatesUpload("first", NOW, 12)), record=RunRecord("old", NOW - DAY, 0))
    assert (row["Last_read"], row["States_id"]) == (iso_milliseconds(NOW), "first")


def test_alarms_and_their_label_are_told_as_they_were_frozen() -> None:
    alarms = {
        AlarmKind.NONCOMPLIANT: Alarm("key", "", "2 violations", NOW),
        AlarmKind.GUARD: Alarm("cause: x", "weakened: standard", "Weakened", NOW),
    }
    label = Label("Old name", "old app", "standard 0.9", "Old baseline")
    row = row_of(remembered(assignment("a", "one", alarms=alarms, label=label)))
    assert (row["Alarm_key"], row["Alarm_cause"], row["Alarm_says"]) == ("key", "", "2 violations")
    assert (row["Guard_alarm_key"], row["Guard_alarm_cause"]) == ("cause: x", "weakened: standard")
    assert (row["Notice_alarm_key"], row["Undecided_alarm_key"]) == ("", "")
    assert [row[f"Label_{name}"] for name in ("customer", "application", "plan", "assignment")] == [
        "Old name",
        "old app",
        "standard 0.9",
        "Old baseline",
    ]


def test_an_acceptance_is_told_only_while_it_covers_every_open_key() -> None:
    covered = open_key("one", acceptance=ACCEPTANCE), open_key("two", acceptance=replace(ACCEPTANCE, until=LATER + DAY))
    row = row_of(remembered(assignment(open=covered)))
    assert (row["Verdict"], row["Accepted_until"], row["Accepted_by"]) == (
        "NonCompliant",
        iso_milliseconds(LATER + DAY),
        "ada",
    )
    for more in (open_key("three"), open_key("three", acceptance=replace(ACCEPTANCE, until=NOW))):
        row = row_of(remembered(assignment(open=(*covered, more))))
        assert (row["Accepted_until"], row["Accepted_by"], row["Accepted_reason"]) == (None, "", "")


def test_a_guard_that_differs_is_told_with_its_exemptions() -> None:
    known = assignment(guard=AssignmentGuard(state=GuardState.WEAKENED, since=NOW, details=("one", "two")))
    exemptions = (
        Exemption("/past", known.id, category="Waiver", expires_at=NOW),
        Exemption("/never", known.id, category="Waiver"),
        Exemption("/soon", known.id, category="Mitigated", expires_at=LATER + DAY, created_by="eve"),
        Exemption("/other", "/another", category="Waiver", expires_at=LATER + HOUR),
    )
    row = row_of(remembered(known, exemptions=exemptions))
    assert (row["Guard"], row["Guard_details"]) == ("Weakened", "one; two")
    assert (row["Exemptions"], row["Exemption_category"], row["Exemption_created_by"]) == (2, "Mitigated", "eve")
    assert row["Exemption_expires_at"] == iso_milliseconds(LATER + DAY)


@pytest.mark.parametrize(
    ("expires_at", "until"),
    [(None, LATER + 9 * DAY), (LATER + 90 * DAY, LATER + 9 * DAY), (LATER + 20 * DAY, LATER + 5 * DAY)],
)
def test_an_accepted_exemption_is_told_until_the_acceptance_ends_or_its_next_stage_comes(
    expires_at: datetime | None, until: datetime
) -> None:
    known = assignment()
    facts = remembered(
        known,
        exemptions=(Exemption("/e", known.id, expires_at=expires_at),),
        known_exemptions=("/e",),
        accepted_exemptions={"/e": ACCEPTANCE},
    )
    row = row_of(facts)
    assert (row["Exemption_accepted_by"], row["Exemption_accepted_reason"]) == ("ada", "known")
    assert row["Exemption_accepted_until"] == iso_milliseconds(until)
    for other in (replace(facts, known_exemptions=()), replace(facts, accepted_exemptions={})):
        assert (row_of(other)["Exemption_accepted_until"], row_of(other)["Exemption_accepted_by"]) == (None, "")
    past = replace(facts, accepted_exemptions={"/e": replace(ACCEPTANCE, until=LATER)})
    assert (row_of(past)["Exemption_accepted_until"], row_of(past)["Exemption_accepted_by"]) == (None, "")


@pytest.mark.parametrize(
    ("plan", "version", "until", "snoozed"),
    [
        ("STANDARD", "1.0.0", LATER + DAY, True),
        ("standard", "", LATER + DAY, True),
        ("standard", "2.0.0", LATER + DAY, False),
        ("other", "", LATER + DAY, False),
        ("standard", "1.0.0", LATER, False),
    ],
)
def test_a_snooze_is_told_of_its_plan_version_until_it_ends(
    plan: str, version: str, until: datetime, *, snoozed: bool
) -> None:
    row = row_of(remembered(assignment()), snoozes=(Snooze(plan, version, until, "ada", "migration"),))
    assert row["Snoozed_until"] == (iso_milliseconds(until) if snoozed else None)


def test_a_result_says_who_the_customer_is_also_when_it_was_never_read() -> None:
    unread = Unread(NOW, 3, Outcome.THROTTLED, "TooManyRequests", "wait")
    alarm = Alarm("key", "", "Throttled", NOW)
    facts = remembered(last_read=None, unread=unread, alarms={AlarmKind.UNREAD: alarm})
    columns = result_columns(facts, PUBLICATION)
    assert (columns["Customer_name"], columns["Last_read"]) == ("Contoso", None)
    assert (columns["Unread_since"], columns["Failures_in_a_row"]) == (iso_milliseconds(NOW), 3)
    assert (columns["Unread_alarm_key"], columns["Unread_alarm_says"]) == ("key", "Throttled")
    row = result_row_of_ledger(facts, PUBLICATION)
    assert row is not None
    assert (row["Outcome"], row["Error_code"], row["Error_message"]) == ("Throttled", "TooManyRequests", "wait")


@pytest.mark.parametrize("outcome", [Outcome.LEFT, Outcome.LEFT_UNCONFIRMED, Outcome.VANISHED])
def test_who_departed_is_told_from_the_ledger(outcome: Outcome) -> None:
    facts = remembered(departure=Departure(outcome, NOW, "why"), unread=Unread(NOW, 1, Outcome.FAILED))
    row = result_row_of_ledger(facts, PUBLICATION)
    assert row is not None
    assert (row["Outcome"], row["Error_message"], row["Application_id"]) == (outcome, "why", facts.application_id)


def test_who_is_registered_and_read_is_told_by_runs_alone() -> None:
    assert result_row_of_ledger(remembered(assignment("a", "one")), PUBLICATION) is None


def test_heartbeats_keep_three_tables_alive_and_name_no_application() -> None:
    rows = heartbeat_rows(PUBLICATION)
    assert sorted(rows) == ["ManagedApplicationEvents_CL", "PolicyCollectionResults_CL", "PolicyVerdicts_CL"]
    for table, row in rows.items():
        assert row["Application_id"] == ""
        assert "Heartbeat" in row.values()
        assert_fits(row, table)


def test_who_has_left_is_forgotten_when_it_was_told_for_long_enough() -> None:
    left = remembered(departure=Departure(Outcome.LEFT, NOW), changed_at=NOW)
    assert not forgettable(left, NOW + CHANGES_REPEATED)
    assert forgettable(left, NOW + CHANGES_REPEATED + HOUR)
    for outcome in (Outcome.VANISHED, Outcome.LEFT_UNCONFIRMED):
        assert not forgettable(replace(left, departure=Departure(outcome, NOW)), NOW + 99 * DAY)
    assert not forgettable(remembered(), NOW + 99 * DAY)
