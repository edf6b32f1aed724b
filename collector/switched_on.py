"""Which of the publisher's checks an operator switched on for an application, before any of them is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.reading.check_reader import NOT_READ
from verdicts.evidence import AssignmentEvidence, CheckEvidence, CheckFailure
from verdicts.outcome import Outcome
from verdicts.plan_settings import settings_of_plan
from verdicts.publisher_checks.catalogue import CHECKS
from verdicts.publisher_checks.ids import check_id, check_name, definition_id
from verdicts.stored.control_rows import unreadable_settings_of

if TYPE_CHECKING:
    from registry.managed_application import ManagedApplication
    from verdicts.control import Control
    from verdicts.evidence import Evidence
    from verdicts.facts import ApplicationFacts


def note_checks(
    evidence: Evidence, application: ManagedApplication, before: ApplicationFacts | None, control: Control
) -> None:
    """Note in the evidence which checks are switched on, each as not read.

    Where the settings that say so cannot be read, those are noted that the ledger knows, with that failure.
    """
    group_id = str(application.managed_resource_group_id)
    unreadable = unreadable_settings_of(control, application.plan_name)
    if unreadable is not None:
        failure = CheckFailure(Outcome.FAILED, "SettingsNotReadable", str(unreadable))
        known = before.assignments.items() if before is not None else ()
        judged = [name for key, one in known if one.ending is None and (name := check_name(key))]
        evidence.checks = dict(_noted(group_id, name, failure) for name in judged)
        return
    evidence.checks_are_known = True
    for name, parameters in settings_of_plan(control.plans, application.plan_name).checks.items():
        failure = NOT_READ if name in CHECKS else CheckFailure(Outcome.FAILED, "UnknownCheck", "not of this version")
        key, check = _noted(group_id, name, failure)
        check.parameters = parameters
        evidence.checks[key] = check


def note_not_read(evidence: Evidence) -> None:
    """Say of checks that were not read why, where that is why the application's states were not read either."""
    if evidence.complete or not evidence.error_code:
        return
    failure = CheckFailure(evidence.outcome, evidence.error_code, evidence.error_message)
    for check in evidence.checks.values():
        if check.failure is NOT_READ:
            check.failure = failure


def _noted(group_id: str, name: str, failure: CheckFailure) -> tuple[str, CheckEvidence]:
    key, known = check_id(group_id, name), CHECKS.get(name)
    display_name = known.display_name if known is not None else f"Publisher check: {name}"
    found = AssignmentEvidence(key, definition_id(name), display_name, definition_id(name))
    return key, CheckEvidence(found, failure)
