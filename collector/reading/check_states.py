"""What the publisher's checks found of an application: rows to upload, and what the judge is told."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

from collector.reporting.rows import StateRows, mark_of, resource_columns, state_row
from collector.reporting.states import Sighting
from publisher.resource_ids import fold
from verdicts.facts import MOST_OPEN_KEYS, StateKey, StatesUpload
from verdicts.publication import states_are_due
from verdicts.publisher_checks.judged import Judgement

if TYPE_CHECKING:
    from collections.abc import Iterable

    from collector.reading.application_reading import CompliantStates, ReadJob, UploadedStates
    from collector.reporting.ingestion import StreamUploader
    from collector.reporting.outcomes import Run
    from collector.reporting.rows import PolicyRows
    from verdicts.evidence import AssignmentEvidence
    from verdicts.publisher_checks.judged import Judged

_FINGERPRINTS: Final = 2**128
_ROWS_AT_ONCE: Final = 1000
_WORST_FIRST: Final = (Judgement.NON_COMPLIANT, Judgement.UNKNOWN, Judgement.COMPLIANT)
_SUMMARY: Final = Sighting.of((None, None, None, Judgement.COMPLIANT.value))


class CheckStates:
    """Takes what checks found, one check after the other, and uploads it when it is not what was uploaded before."""

    def __init__(
        self,
        job: ReadJob,
        run: Run,
        *,
        compliant_states: CompliantStates,
        uploaded_states: UploadedStates,
        most_rows: int,
    ) -> None:
        self._job = job
        self._run = run
        self._is_summarised = compliant_states == "summarised"
        stands = job.before.check_states if job.before is not None and uploaded_states == "changed" else None
        is_due = states_are_due(str(job.application.application_id), stands, run.started_at)
        self._stands = None if is_due else stands
        self._rows = StateRows(job.application, run)
        self._most = most_rows
        self._found: tuple[list[bytes], ...] = [], [], []
        """Rows of violations, of what could not be decided, and of what is well: no more of each than the ceiling."""
        self._withheld = 0
        self._fingerprint = mark_of(compliant_states.encode())

    def take(self, evidence: AssignmentEvidence, found: Iterable[Judged]) -> None:
        """Add what a complete check found, each resource once, to its evidence and to the rows."""
        policy = self._rows.check(evidence)
        worst: dict[str, Judged] = {}
        for one in found:
            known = worst.setdefault(fold(one.resource_id), one)
            if _badness(one) > _badness(known):
                worst[fold(one.resource_id)] = one
        self._note(evidence, worst)
        compliant = 0
        for resource, one in worst.items():
            self._fingerprint += mark_of(f"{one.judgement}\n{resource}\n{one.reason}".encode(), policy.mark)
            if self._is_summarised and one.judgement is Judgement.COMPLIANT:
                compliant += 1
            else:
                self._add(one.judgement, self._row(policy, one))
        if compliant:
            row = state_row(policy, resource_columns(_SUMMARY), self._run.time_generated, compliant)
            self._add(Judgement.COMPLIANT, row)

    async def upload(self, uploader: StreamUploader) -> StatesUpload:
        """Queue the rows, unless they are what was uploaded before; return the upload that stands."""
        kept = list(chain(*self._found))
        rows = kept[: self._most]
        withheld = self._withheld + len(kept) - len(rows)
        ceiling = mark_of(str(self._most).encode()) if withheld else 0  # with another one other rows are uploaded
        fingerprint = f"{(self._fingerprint + ceiling) % _FINGERPRINTS:x}"
        if self._stands is not None and self._stands.fingerprint == fingerprint:
            return self._stands
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            await uploader.room()
            uploader.add(rows[start : start + _ROWS_AT_ONCE], self._job.delivery)
        return StatesUpload(self._run.run_id, self._run.started_at, len(rows), fingerprint, withheld=withheld)

    def _add(self, judgement: Judgement, row: bytes) -> None:
        rows = self._found[_WORST_FIRST.index(judgement)]
        if len(rows) < self._most:
            rows.append(row)
        else:
            self._withheld += 1

    def _row(self, policy: PolicyRows, one: Judged) -> bytes:
        sighting = Sighting.of((one.resource_id, one.resource_type, one.location, one.judgement.value))
        return state_row(policy, resource_columns(sighting, one.reason), self._run.time_generated)

    def _note(self, evidence: AssignmentEvidence, worst: dict[str, Judged]) -> None:
        """Tell the judge: of every violation, and of what is open in the ledger; of the rest it needs the numbers.

        A violation has no evaluation time of its own: each run reads it, and nothing new would be learned of that.
        """
        before = self._job.before.assignments.get(evidence.id) if self._job.before is not None else None
        is_open = {key.key for key in before.open} if before is not None else set()
        for resource, one in worst.items():
            key = StateKey("", evidence.definition_id, resource)
            if one.judgement is Judgement.NON_COMPLIANT:
                if len(evidence.noncompliant) < MOST_OPEN_KEYS or key in is_open:
                    evidence.noncompliant[key] = None
                else:
                    evidence.overflow = True
            elif one.judgement is Judgement.COMPLIANT:
                evidence.compliant_states += 1
                if key in is_open:
                    evidence.compliant[key] = self._run.started_at
            else:
                evidence.undecided_states += 1
                if key in is_open:
                    evidence.other.add(key)


def _badness(one: Judged) -> int:
    return -_WORST_FIRST.index(one.judgement)
