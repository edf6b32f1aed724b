"""What a complete read still needs before it is judged: a look at the assignments, proofs that resources are gone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from publisher.resource_ids import fold
from verdicts.derive import DIFFERENT, guard_accepted, is_expected
from verdicts.facts import GuardState
from verdicts.guard.watch import watch
from verdicts.judging.assignments import is_overflow_over
from verdicts.judging.closing import is_ready
from verdicts.judging.deployments import is_another_deployment
from verdicts.publisher_checks.ids import is_check

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from collections.abc import Set as AbstractSet

    from registry.managed_application import ManagedApplication
    from verdicts.evidence import AssignmentEvidence, Evidence
    from verdicts.facts import ApplicationFacts, AssignmentFacts

GUARD_READ_AT_MOST_EVERY: Final = timedelta(hours=6)
"""For assignments that lack states; a repair that wants to close is not kept waiting."""

NOT_READ_DAILY: Final = timedelta(hours=26)
"""The reconciliation reads assignments daily; when it could not, a run finds out whether they can be read at all."""


@dataclass(frozen=True, slots=True)
class Wants:
    """What else a complete read needs to be judged: the guard, and proofs that resources (folded ids) are gone."""

    guard: bool = False
    resources: tuple[str, ...] = ()


def wants(before: ApplicationFacts | None, application: ManagedApplication, evidence: Evidence) -> Wants:
    """Return what a complete read still needs before it is judged; of checks, which are read by themselves, always."""
    if before is None or is_another_deployment(before, application):
        return Wants()
    missing = [
        resource
        for key, check in evidence.checks.items()
        if check.failure is None and (known := before.assignments.get(key)) is not None and known.ending is None
        for resource in _missing_resources(known, check.found)
    ]
    if not evidence.complete:
        return Wants(resources=tuple(sorted(set(missing))))
    facts = watch(before, application, None, None, evidence.started_at)
    judged = [one for key, one in facts.assignments.items() if one.ending is None and not is_check(key)]
    missing += [resource for one in judged for resource in _missing_resources(one, evidence.assignments.get(one.id))]
    may_close = any(_wants_to_close(one, evidence) or _is_told_as_different(one, evidence) for one in judged)
    return Wants(
        guard=may_close or (_may_read_guard(before, evidence) and _is_any_doubtful(judged, application, evidence)),
        resources=tuple(sorted(set(missing))),
    )


def _wants_to_close(facts: AssignmentFacts, evidence: Evidence) -> bool:
    found = evidence.assignments.get(facts.id)
    if found is None:
        return False
    if is_overflow_over(facts, evidence.started_at):
        return True
    return any(
        key.key in found.compliant
        and key.key not in found.noncompliant
        and key.key not in found.other
        and key.key not in found.exempt
        and is_ready(key, found.compliant[key.key], facts, evidence.started_at)
        for key in facts.open
    )


def _is_told_as_different(facts: AssignmentFacts, evidence: Evidence) -> bool:
    """Tell whether an alarm says that the assignment differs: the run that finds it as it has to be shall end that."""
    return facts.guard.state in DIFFERENT and guard_accepted(facts, evidence.started_at) is None


def _may_read_guard(before: ApplicationFacts, evidence: Evidence) -> bool:
    read_at = before.guard_read_at
    return read_at is None or evidence.started_at - read_at >= GUARD_READ_AT_MOST_EVERY


def _is_any_doubtful(judged: Iterable[AssignmentFacts], application: ManagedApplication, evidence: Evidence) -> bool:
    listed = None if application.assignments is None else {fold(one.id) for one in application.assignments}
    return any(_is_doubtful(one, application, listed, evidence) for one in judged)


def _is_doubtful(
    facts: AssignmentFacts, application: ManagedApplication, listed: AbstractSet[str] | None, evidence: Evidence
) -> bool:
    """Tell whether an assignment may be another than we know.

    It lacks states that it has to have or once had, or could not be listed for longer than a day.
    """
    now = evidence.started_at
    if not is_expected(facts, str(application.managed_resource_group_id)):
        return False
    if facts.id not in evidence.assignments and facts.guard.state is not GuardState.WITHDRAWN:
        return True
    if now - (application.assignments_read_at or facts.first_seen) >= NOT_READ_DAILY:
        return True
    if any(
        _missing_resources(facts, evidence.assignments.get(facts.id))
    ):  # gone, or left out of what the assignment judges
        return True
    return facts.guard.baseline is not None and listed is not None and facts.id not in listed


def _missing_resources(facts: AssignmentFacts, found: AssignmentEvidence | None) -> Iterator[str]:
    seen = () if found is None else (found.other, found.exempt, found.compliant)
    noncompliant = () if found is None else found.noncompliant
    for key in facts.open:
        if key.key in noncompliant or any(key.key in keys for keys in seen):
            continue
        if key.key.resource_id:
            yield key.key.resource_id
