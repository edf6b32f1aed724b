"""The judge: from what the ledger remembers of an application and what a run learned, what the ledger shall remember.

Pure functions of their arguments. They raise nothing, whatever the combination (tests/verdicts/judging).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from registry.managed_application import ManagedApplication
from verdicts.facts import Ending
from verdicts.guard.declared import relative_id
from verdicts.guard.watch import watch
from verdicts.judging.assignments import first_sight, read_completely, with_opened
from verdicts.judging.checks import checks_judged
from verdicts.judging.deployments import described
from verdicts.judging.endings import with_retired, without_long_ended
from verdicts.judging.reads import applies, read_or_unread
from verdicts.outcome import Outcome
from verdicts.publisher_checks.ids import is_check

if TYPE_CHECKING:
    from collections.abc import Mapping

    from registry.managed_application import MalformedRow
    from verdicts.control import RunRecord
    from verdicts.evidence import Evidence
    from verdicts.facts import ApplicationFacts, AssignmentFacts, Counts
    from verdicts.guard.declared import Declared


_COMES_AGAIN: Final = frozenset({Outcome.SKIPPED, Outcome.THROTTLED, Outcome.UPLOAD_FAILED})
"""Outcomes of a read that was brought forward in vain, because there was no time, or no room, for it."""

ANSWERS_TOLD_EVERY: Final = timedelta(hours=6)
"""Another answer alone is worth no write sooner: Azure evaluates about once a day, unless its answers always differ."""


def judge(
    before: ApplicationFacts | None,
    application: ManagedApplication | MalformedRow,
    evidence: Evidence,
    *,
    record: RunRecord | None,
    declared: Declared | None,
) -> ApplicationFacts:
    """Return what the ledger shall remember; an equal object when nothing changed.

    Args:
        before: what it remembers, None for an application that it does not know.
        application: as the registry has it; a row that cannot be collected has the id of its application.
        evidence: what the run learned.
        record: the latest completed run over the whole registry.
        declared: the baseline that an operator declared for the application's plan version.
    """
    if before is not None and not applies(before, evidence.run_id, evidence.started_at):
        return before
    facts = without_long_ended(described(before, application, evidence), evidence.started_at)
    if isinstance(application, ManagedApplication):
        facts = watch(facts, application, evidence.guard, declared, evidence.started_at)
        facts = with_retired(facts, application, declared, evidence)
    facts = _states_judged(facts, evidence)
    facts = checks_judged(facts, evidence, record)
    facts = read_or_unread(facts, evidence, record)
    return _as_changed(before, replace(facts, probed=_probed(before, facts, evidence)), evidence)


def _probed(before: ApplicationFacts | None, facts: ApplicationFacts, evidence: Evidence) -> str:
    """Return the counts of Azure Resource Graph that bring no read forward again, "" for none.

    They are those of a read that was brought forward, unless it came to nothing for another reason than the customer's.
    Once the ledger's own counts are others than before, a difference from them is another one.
    """
    if evidence.probed and evidence.outcome not in _COMES_AGAIN:
        return evidence.probed
    if not facts.probed or before is None or _counts_of(before) != _counts_of(facts):
        return ""
    return facts.probed


def _counts_of(facts: ApplicationFacts) -> dict[str, Counts]:
    """Return what Azure Resource Graph counts too: of policy assignments alone."""
    return {key: one.counts for key, one in facts.assignments.items() if one.ending is None and not is_check(key)}


def _states_judged(facts: ApplicationFacts, evidence: Evidence) -> ApplicationFacts:
    now, group_id = evidence.started_at, facts.managed_resource_group_id
    assignments = dict(facts.assignments)
    for key, found in evidence.assignments.items():
        known = assignments.get(key) or first_sight(found, now)
        if known.ending is Ending.LEFT and relative_id(key, group_id) != key:
            known = first_sight(found, now)  # the application was deployed anew into the group of this name
        if known.ending is None:  # Azure goes on to report states of an assignment for a while after it is gone
            assignments[key] = with_opened(known, found, now)
    if evidence.complete:
        for key, known in assignments.items():
            if known.ending is None and not is_check(key):
                assignments[key] = read_completely(known, evidence.assignments.get(key), evidence, group_id)
    return facts if assignments == facts.assignments else replace(facts, assignments=assignments)


def _as_changed(before: ApplicationFacts | None, facts: ApplicationFacts, evidence: Evidence) -> ApplicationFacts:
    """Note when the application and its assignments changed; return `before` when only the time of the read did.

    Another upload of the states is remembered, and so is what brought the read forward; neither changes anything.
    A run over chosen applications whose read broke off may only have opened something. What a run that began before it
    has read completely, or could not read, counts all the same. An answer is remembered with the facts that were judged
    from it alone.
    """
    now = evidence.started_at
    if before is not None:
        if replace(facts, last_read=before.last_read) == before:
            return before
        if now - before.applied_at < ANSWERS_TOLD_EVERY and _differs_in_answer_alone(before, facts):
            return before
        told = replace(facts, last_read=before.last_read, states=before.states, probed=before.probed)
        if replace(told, check_states=before.check_states) == before:
            return _applied(facts, evidence)
    if not evidence.complete and facts.states is not None:
        facts = replace(facts, states=replace(facts.states, answer=None))
    known: Mapping[str, AssignmentFacts] = before.assignments if before else {}
    assignments = {
        key: one if known.get(key) == one else replace(one, changed_at=now) for key, one in facts.assignments.items()
    }
    return _applied(replace(facts, assignments=assignments, changed_at=now), evidence)


def _differs_in_answer_alone(before: ApplicationFacts, facts: ApplicationFacts) -> bool:
    """Tell whether nothing but the answer differs, by which the same states were read, and the time of the read."""
    if before.states is None or facts.states is None:
        return False
    states = replace(facts.states, answer=before.states.answer)
    return replace(facts, last_read=before.last_read, states=states) == before


def _applied(facts: ApplicationFacts, evidence: Evidence) -> ApplicationFacts:
    if evidence.partial_run and not evidence.complete and evidence.guard is None:
        return facts
    return replace(facts, applied_run=evidence.run_id, applied_at=evidence.started_at)
