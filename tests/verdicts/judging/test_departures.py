"""Who has left, who has vanished, and who comes back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from publisher.resource_ids import ResourceGroupId, fold
from tests.verdicts.judging.story import (
    CUSTOMER,
    DAY,
    HOUR,
    START,
    assignment_id,
    expected,
    read,
    removal,
    violated,
)
from verdicts.derive import Verdict
from verdicts.facts import Ending, HeldReason
from verdicts.outcome import Outcome


def test_a_confirmed_deletion_ends_everything_with_left() -> None:
    story = violated()
    story.is_missing(removal(story, confirmed=True))
    assert story.verdict() is Verdict.LEFT
    assert story.known.departure is not None
    assert story.known.departure.outcome is Outcome.LEFT
    assert story.open() == set()


def test_an_unconfirmed_deletion_of_a_readable_application_is_left_unconfirmed_and_keeps_its_keys() -> None:
    story = violated()
    story.is_missing(removal(story, confirmed=False))
    assert story.verdict() is Verdict.LEFT_UNCONFIRMED
    assert story.open() == {"disk"}


def test_an_unconfirmed_deletion_counts_reads_of_runs_that_wrote_nothing() -> None:
    story = violated().later(10 * DAY).complete_run_was()
    story.is_missing(removal(story, confirmed=False))
    assert story.verdict() is Verdict.LEFT_UNCONFIRMED


def test_an_unconfirmed_deletion_becomes_left_after_thirty_days() -> None:
    story = violated()
    told = removal(story, confirmed=False)
    assert story.is_missing(told).later(29 * DAY).is_missing(told).verdict() is Verdict.LEFT_UNCONFIRMED
    assert story.later(DAY).is_missing(told).verdict() is Verdict.LEFT


def test_an_unconfirmed_deletion_of_an_application_that_was_not_read_before_is_vanished() -> None:
    story = violated().later(3 * DAY).fails(Outcome.ACCESS_DENIED)
    story.is_missing(removal(story, confirmed=False))
    assert story.verdict() is Verdict.NON_COMPLIANT
    assert story.known.departure is not None
    assert story.known.departure.outcome is Outcome.VANISHED


def test_a_removal_whose_time_nobody_can_read_counts_from_when_it_was_first_seen() -> None:
    story = violated()
    told = replace(removal(story, confirmed=False), at=None)
    assert story.is_missing(told).verdict() is Verdict.LEFT_UNCONFIRMED
    assert story.later(29 * DAY).is_missing(told).verdict() is Verdict.LEFT_UNCONFIRMED
    assert story.later(DAY).is_missing(told).verdict() is Verdict.LEFT


def test_a_removal_whose_time_nobody_can_read_is_no_word_about_who_was_not_read_before() -> None:
    story = violated().later(3 * DAY).fails(Outcome.ACCESS_DENIED)
    story.is_missing(replace(removal(story, confirmed=False), at=None))
    assert story.verdict() is Verdict.NON_COMPLIANT
    assert story.known.departure is not None
    assert story.known.departure.outcome is Outcome.VANISHED


def test_a_confirmed_removal_whose_time_nobody_can_read_ends_everything_with_the_run() -> None:
    story = violated()
    story.is_missing(replace(removal(story, confirmed=True), at=None))
    assert story.known.departure is not None
    assert (story.known.departure.outcome, story.known.departure.at) == (Outcome.LEFT, story.now)


def test_an_unconfirmed_departure_that_arm_confirms_later_is_left() -> None:
    story = violated()
    story.is_missing(removal(story, confirmed=False)).is_missing(removal(story, confirmed=True))
    assert story.verdict() is Verdict.LEFT


@pytest.mark.parametrize("unconfirmed", [True, False])
def test_who_comes_back_and_is_read_again_has_the_keys_open_as_before(unconfirmed: bool) -> None:
    story = violated()
    opened = story.assignment().open[0].opened_at
    story.is_missing(removal(story, confirmed=False) if unconfirmed else None)
    story.run(read(noncompliant=["disk"]))
    assert story.known.departure is None
    assert story.assignment().open[0].opened_at == opened


def test_whoever_is_in_the_ledger_and_not_in_the_registry_has_vanished_and_closes_nothing() -> None:
    story = violated().is_missing()
    assert story.known.departure is not None
    assert story.known.departure.outcome is Outcome.VANISHED
    assert (story.verdict(), story.held()) == (Verdict.NON_COMPLIANT, HeldReason.UNREAD)
    before = story.known
    assert story.later(40 * DAY).is_missing().known is before


def test_a_partial_run_concludes_nothing_about_who_is_missing() -> None:
    story = violated()
    before = story.known
    assert story.is_missing(partial_run=True).known is before
    assert story.is_missing(removal(story, confirmed=True), partial_run=True).known is before


def test_who_has_left_stays_so_whatever_the_registry_forgets() -> None:
    story = violated()
    story.is_missing(removal(story, confirmed=True))
    before = story.known
    assert story.is_missing().known is before


OTHER_GROUP = ResourceGroupId(CUSTOMER, "Shop-managed-2")


def test_another_managed_group_under_the_same_id_ends_the_old_deployment_and_starts_afresh() -> None:
    story = violated()
    story.application = replace(
        story.application, managed_resource_group_id=OTHER_GROUP, assignments=(expected(group=OTHER_GROUP),)
    )
    story.run(read(compliant=["x"], group=OTHER_GROUP))
    assert story.assignment().ending is Ending.LEFT
    assert story.assignment(group=OTHER_GROUP).ending is None
    assert story.known.managed_resource_group_id == str(OTHER_GROUP)


def test_a_deployment_that_ended_is_forgotten_when_its_rows_were_told_for_long_enough() -> None:
    story = violated()
    story.application = replace(story.application, managed_resource_group_id=OTHER_GROUP, assignments=())
    story.run().later(49 * HOUR).run()
    assert story.assignment().ending is Ending.LEFT
    story.later(2 * HOUR).run()
    assert fold(assignment_id("baseline")) not in story.known.assignments


def test_a_group_that_is_only_spelled_otherwise_is_the_same_deployment() -> None:
    story = violated()
    story.application = replace(
        story.application, managed_resource_group_id=ResourceGroupId(CUSTOMER.upper(), "SHOP-MANAGED")
    )
    story.run(read(noncompliant=["disk"]))
    assert story.open() == {"disk"}
    assert len(story.known.assignments) == 1


def test_a_deployment_after_a_confirmed_removal_starts_afresh_in_the_same_group() -> None:
    story = violated()
    story.is_missing(removal(story, confirmed=True))
    story.become(registered_at=story.now).run(read(compliant=["disk"]))
    assert story.known.departure is None
    assert story.verdict() is Verdict.COMPLIANT


def test_a_removal_that_no_run_saw_still_ends_the_deployment_before_it() -> None:
    story = violated()
    story.become(registered_at=story.now).run(read(compliant=["vault"]))
    assert story.open() == set()


def test_a_registry_that_was_restored_to_an_earlier_deployment_ends_nothing() -> None:
    story = violated(registered_at=START - DAY)
    story.become(registered_at=START - 9 * DAY).run(read(compliant=["vault"]))
    assert story.open() == {"disk"}


def test_a_registry_that_knows_no_time_of_registration_ends_nothing() -> None:
    story = violated(registered_at=START - DAY)
    story.become(registered_at=None).run(read(noncompliant=["disk"]))
    assert story.open() == {"disk"}


def test_renames_of_customer_and_plan_keep_the_keys() -> None:
    story = violated()
    story.become(customer_name="Contoso plc", plan_name="platinum").run(read(noncompliant={"disk": START}))
    assert story.known.customer_name == "Contoso plc"
    assert story.open() == {"disk"}
