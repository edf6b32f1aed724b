"""An answer that is byte for byte the one from which the ledger was judged says what stands there, and is not parsed.

Azure evaluates about once a day, so nearly every answer to an hourly run is the one before. What the judge has to be
told is then made from the ledger's facts: it is what parsing the answer would tell, or nothing (`evidence_of`).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from publisher.policy_states.page import Page
from verdicts.evidence import AssignmentEvidence
from verdicts.facts import Answer, Counts
from verdicts.publisher_checks.ids import is_check

if TYPE_CHECKING:
    from collections.abc import Iterable

    from collector.reporting.outcomes import ApplicationResult
    from verdicts.facts import ApplicationFacts, AssignmentFacts


class KnownPage(Page, frozen=True, kw_only=True):
    """A page that was not parsed: the ledger remembers the answer, and what follows from it."""

    answer: Answer
    evidence: dict[str, AssignmentEvidence]


def seed_of(*parts: bytes) -> bytes:
    """Return what is digested before an answer: all else on which its rows and evidence depend, without line breaks."""
    return hashlib.sha256(b"\n".join(parts)).digest()


def digest_of(body: bytes, seed: bytes) -> str:
    """Return what stands for an answer's body, and for the seed.

    Customers choose names that are in it. So this is a hash for which nobody finds two bodies: a violation would hide
    behind the answer without it.
    """
    digest = hashlib.sha256(seed)
    digest.update(body)
    return digest.hexdigest()


def answer_of(digest: str, result: ApplicationResult, found: Iterable[AssignmentEvidence]) -> Answer | None:
    """Return the answer to remember with the facts that are judged from what a complete read found.

    None when there is no digest, as of several answers, or the facts will not have all of it: they have no protected
    states, and keep an earlier name where a read found none.
    """
    if not digest or not result.states or not all(map(_will_be_remembered, found)):
        return None
    counts = result.states, result.noncompliant_states, result.foreign_states
    return Answer(digest, *counts, result.oldest_evaluation, result.latest_evaluation)


def evidence_of(facts: ApplicationFacts) -> dict[str, AssignmentEvidence] | None:
    """Return what the answer says that the facts remember; None when they do not tell exactly.

    Of keys that are NonCompliant it says no other state, and their evaluation is the latest that is known: the judge
    concludes the same from both.
    """
    assignments = {key: one for key, one in facts.assignments.items() if not is_check(key)}
    if not all(map(_is_at_rest, assignments.values())):
        return None
    return {key: _evidence_of(one) for key, one in assignments.items() if one.counts != Counts()}


def _is_at_rest(facts: AssignmentFacts) -> bool:
    """Tell whether the open keys of an assignment are just those that its last complete read found NonCompliant.

    That read holds every other open key for a reason, and counts NonCompliant states that open none because they are
    of resources that are gone.
    """
    return (
        facts.ending is None
        and facts.held is None
        and not facts.overflow
        and facts.counts.noncompliant == len(facts.open)
    )


def _evidence_of(facts: AssignmentFacts) -> AssignmentEvidence:
    counts = facts.counts
    return AssignmentEvidence(
        id=facts.id,
        name=facts.name,
        display_name=facts.display_name,
        definition_id=facts.definition_id,
        noncompliant={key.key: key.evaluated_at for key in facts.open},
        compliant_states=counts.compliant,
        exempt_states=counts.exempt,
        manual_states=counts.manual,
        undecided_states=counts.undecided,
    )


def _will_be_remembered(found: AssignmentEvidence) -> bool:
    is_named = found.name and found.display_name and found.definition_id
    return bool(is_named) and not found.protected_states
