"""What opens and closes a violation that one of the publisher's own checks found, apart from Azure's verdicts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.verdicts.judging.checked import DENIED, NAME, checked, of, open_in, run, violated
from tests.verdicts.judging.story import DAY, HOUR, START, Story, declared, expected, read, removal, resource
from verdicts.alarms import AlarmBook
from verdicts.derive import Verdict, compliance_of, held_of, open_kinds, verdict_of
from verdicts.facts import AlarmKind, Counts, Ending, HeldReason, StatesUpload
from verdicts.judging.wants import wants
from verdicts.known import open_violations
from verdicts.outcome import Outcome
from verdicts.publication import Publication
from verdicts.rows import verdict_rows


def test_a_violation_opens_and_closes_when_it_is_read_as_repaired() -> None:
    story = violated("nsg", "other")
    assert open_in(story) == {"nsg", "other"}
    assert verdict_of(story.known, of(story)) is Verdict.NON_COMPLIANT
    run(story, checked(noncompliant=("other",), compliant=("nsg",), story=story))
    assert open_in(story) == {"other"}
    run(story, checked(compliant=("nsg", "other"), story=story))
    assert verdict_of(story.known, of(story)) is Verdict.COMPLIANT
    assert of(story).closed_at == story.now


def test_the_compliance_by_azure_policy_is_not_touched() -> None:
    story = violated()
    assert compliance_of(story.known) == "Compliant"
    assert open_violations(story.known) == 0
    alone = run(Story().become(assignments=()), checked(noncompliant=("nsg",)), complete=False)
    assert compliance_of(alone.known) == "NotRead"


def test_what_is_not_in_the_list_any_more_stays_until_it_is_proven_gone() -> None:
    story = violated()
    run(story, checked(story=story))
    assert held_of(story.known, of(story)).reason is HeldReason.NO_STATES  # type: ignore[union-attr]
    run(story, checked(story=story), gone=frozenset({resource("nsg")}))
    assert open_in(story) == set()
    run(story, checked(noncompliant=("nsg",)))
    assert open_in(story) == {"nsg"}


def test_what_cannot_be_judged_any_more_stays() -> None:
    story = violated()
    run(story, checked(unknown=("nsg",), story=story))
    assert open_in(story) == {"nsg"}
    assert held_of(story.known, of(story)).reason is HeldReason.UNDECIDED  # type: ignore[union-attr]


def test_a_check_that_finds_nothing_to_judge_finds_nothing_wrong() -> None:
    story = run(Story(), checked())
    assert verdict_of(story.known, of(story)) is Verdict.COMPLIANT


def test_a_check_that_cannot_judge_a_resource_is_undecided() -> None:
    story = run(Story(), checked(compliant=("one",), unknown=("two",)))
    assert verdict_of(story.known, of(story)) is Verdict.UNDECIDED
    run(story, checked(compliant=("one", "two"), story=story))
    assert verdict_of(story.known, of(story)) is Verdict.COMPLIANT


def test_a_check_that_is_switched_off_has_ended() -> None:
    story = violated()
    run(story)
    assert of(story).ending is Ending.RETIRED
    assert verdict_of(story.known, of(story)) is Verdict.RETIRED
    assert open_in(story) == set()
    run(story, checked(noncompliant=("nsg",)))
    assert of(story).ending is None
    assert open_in(story) == {"nsg"}


def test_a_check_is_never_withdrawn_weakened_or_retired_by_a_baseline() -> None:
    story = violated()
    story.declared = declared(expected())
    story.become(assignments=(expected(),), assignments_read_at=story.now + 9 * HOUR)
    run(story, checked(noncompliant=("nsg",)))
    story.run(
        read(compliant=["disk"]),
        guard=story.reading(expected(), missing={}),
        checks=checked(noncompliant=("nsg",)),
        checks_are_known=True,
    )
    assert of(story).ending is None
    assert of(story).guard.state == "NotKnown"


def test_a_guard_that_could_not_be_read_is_no_notice_about_a_check() -> None:
    story = violated()
    facts = replace(story.known, guard_unread_since=story.now - 3 * DAY)
    assert AlarmKind.NOTICE not in open_kinds(facts, of(story), story.now)


def test_it_asks_for_no_look_at_assignments_and_for_proof_of_what_is_missing() -> None:
    story = violated()
    evidence = story.evidence(read(compliant=["disk"]), checks=checked(story=story), checks_are_known=True)
    wanted = wants(story.known, story.application, evidence)
    assert (wanted.guard, wanted.resources) == (False, (resource("nsg"),))
    broken = replace(evidence, complete=False)
    assert wants(story.known, story.application, broken).resources == (resource("nsg"),)
    unread = replace(evidence, checks=checked(failure=DENIED))
    assert wants(story.known, story.application, unread).resources == ()


def test_what_a_check_counts_is_nothing_that_resource_graph_counts() -> None:
    story = violated("nsg", "other")
    assert of(story).counts == Counts(noncompliant=2)
    probed = run(Story(), checked(compliant=("nsg",)), probed="0/1/0")
    run(probed, checked(noncompliant=("nsg",)))
    assert probed.known.probed == "0/1/0"


def test_of_another_deployment_the_checks_begin_anew() -> None:
    story = violated()
    story.become(registered_at=story.now)
    run(story, checked(compliant=("nsg",), story=story))
    assert of(story).ending is None
    assert of(story).first_seen == story.now
    assert open_in(story) == set()


def test_when_the_application_leaves_its_checks_end() -> None:
    story = violated()
    story.is_missing(removal(story, confirmed=True))
    assert of(story).ending is Ending.LEFT


def test_its_alarm_says_who_judges() -> None:
    story = violated()
    facts = AlarmBook(named_alarms=0, now=story.now).update(story.known)
    one = facts.assignments[of(story).id]
    assert one.label is not None
    assert one.label.assignment == "Publisher check: something"
    alarm = one.alarms[AlarmKind.NONCOMPLIANT]
    assert alarm.key.endswith(f"#publisher-check/{NAME}")
    assert alarm.says.startswith("1 violation: nsg; since ")


def rows_of(story: Story, **publication: Any) -> dict[str, dict[str, Any]]:
    rows = verdict_rows(story.known, Publication("run", story.now, None, **publication))
    return {one["Judged_by"]: one for one in rows}


def test_its_row_says_who_judges_and_is_of_its_own_read_and_upload() -> None:
    story = Story()
    run(story, checked(noncompliant=("nsg",)), check_states=StatesUpload("checks", START, 1, "print"))
    rows = rows_of(story, read_at=story.now, checked_at=story.now)
    assert rows.keys() == {"AzurePolicy", "PublisherCheck"}
    assert (rows["AzurePolicy"]["States_id"], rows["PublisherCheck"]["States_id"]) == ("run-1", "checks")
    assert rows["PublisherCheck"]["Policy_definition_id"] == f"publisher-check/{NAME}"
    assert rows["PublisherCheck"]["Policy_assignment_id"].endswith(f"/publisher-check/{NAME}")
    read_at = rows["PublisherCheck"]["Last_read"]
    run(story, checked(failure=DENIED))
    rows = rows_of(story, read_at=story.now)
    unread = rows["PublisherCheck"]
    assert (unread["Current"], unread["Last_read"], unread["Held_reason"]) == (False, read_at, "Unread")
    assert unread["Unread_outcome"] == "AccessDenied"
    assert unread["Unread_reason"] == "AuthorizationFailed: may not list"
    assert rows["AzurePolicy"]["Current"] is True
    assert rows["AzurePolicy"]["Unread_since"] is None
    run(story, checked(noncompliant=("nsg",)), complete=False, outcome=Outcome.FAILED, guard=None, states=None)
    rows = rows_of(story, checked_at=story.now)
    assert (rows["PublisherCheck"]["Current"], rows["AzurePolicy"]["Current"]) == (True, False)
    assert rows["PublisherCheck"]["Unread_since"] is None
    assert rows["PublisherCheck"]["Last_read"] > rows["AzurePolicy"]["Last_read"]


def test_what_did_not_change_is_not_written() -> None:
    story = violated()
    before = of(story)
    run(story, checked(noncompliant=("nsg",)))
    assert of(story) == before


def test_more_violations_than_are_remembered_are_marked() -> None:
    story = violated()
    evidence = checked(noncompliant=tuple(f"nsg{number}" for number in range(5)))
    next(iter(evidence.values())).found.overflow = True
    run(story, evidence)
    assert of(story).overflow
    run(story, checked(compliant=("nsg",), story=story))
    story.later(timedelta(hours=25))
    run(story, checked(compliant=tuple(f"nsg{number}" for number in range(5)), story=story))
    assert not of(story).overflow
