"""The ingestion endpoint: counts what comes in, by stream, and keeps what the latest rows say."""

from __future__ import annotations

import threading
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson

from bench.answers import CHANGING_ASSIGNMENT
from bench.contenders import WrongResultError
from bench.hours.fleet import Violation
from publisher.resource_ids import fold
from sandbox.workspace.billing import billed_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

STATES: Final = "Custom-PolicyComplianceStates_CL"
VERDICTS: Final = "Custom-PolicyVerdicts_CL"

_KEY: Final = ("Policy_assignment_id", "Policy_definition_reference_id", "Policy_definition_id", "Resource_id")


@dataclass(slots=True)
class Counts:
    """What came in: requests, bytes on the wire (compressed), bytes of JSON, rows, and bytes that are billed."""

    requests: int = 0
    wire: int = 0
    json: int = 0
    rows: int = 0
    billed: int = 0


@dataclass(slots=True)
class _Upload:
    """The state rows of one application in one run; `states` counts those that were summarised, too."""

    rows: int = 0
    states: int = 0
    violations: set[Violation] = field(default_factory=set)


class IngestionEndpoint:
    """Takes uploads from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, Counts] = {}
        self._uploads: dict[tuple[str, str], _Upload] = {}
        self._verdicts: dict[tuple[str, str], Mapping[str, Any]] = {}

    def take(self, stream: str, body: bytes) -> None:
        """Take a compressed JSON array of rows."""
        content = zlib.decompress(body, wbits=31)
        rows: list[dict[str, Any]] = orjson.loads(content)
        billed = sum(map(billed_bytes, rows))
        with self._lock:
            counts = self._counts.setdefault(stream, Counts())
            counts.requests += 1
            counts.wire += len(body)
            counts.json += len(content)
            counts.rows += len(rows)
            counts.billed += billed
            if stream == STATES:
                self._take_states(rows)
            elif stream == VERDICTS:
                self._take_verdicts(rows)

    def counted(self) -> dict[str, Counts]:
        """Return what came in since the last call, by stream."""
        with self._lock:
            counts, self._counts = self._counts, {}
        return counts

    def check(
        self, run_id: str, truth: Mapping[str, frozenset[Violation]], changed: Iterable[str], *, states: int
    ) -> None:
        """Hold what came in against the truth; call it after each run.

        Args:
            run_id: of the run.
            truth: the states that are not compliant, by folded application id.
            changed: the applications that changed since the run before.
            states: how many states each application has.

        Raises:
            WrongResultError: the upload that an application's latest verdict rows name is not wholly there or does not
                say what is true, or a change is not in the rows of this run.
        """
        with self._lock:
            for application, violations in truth.items():
                latest = [row for (one, _), row in self._verdicts.items() if one == application]
                named = {(row["States_id"], row["States_time"], row["States_rows"]) for row in latest}
                if len(named) != 1:
                    raise WrongResultError(f"{application}: its latest verdict rows name {len(named)} uploads")
                ((states_id, _, rows),) = named
                arrived = self._uploads.get((application, states_id), _Upload())
                if arrived.rows != rows or arrived.states != states or arrived.violations != set(violations):
                    raise WrongResultError(f"{application}: {arrived.rows} of {rows} rows of {states_id} are there")
            for application in changed:
                told = [row for (one, _), row in self._verdicts.items() if one == application]
                verdicts = {row["Policy_assignment_name"]: row["Verdict"] for row in told}
                expected = "NonCompliant" if truth[application] else "Compliant"
                is_told = {(row["Run_id"], row["States_id"]) for row in told} == {(run_id, run_id)}
                if not is_told or verdicts[CHANGING_ASSIGNMENT] != expected:
                    raise WrongResultError(f"{application} is {expected}, which run {run_id} does not tell")
            # Only what verdict rows still name is looked at again.
            named_uploads = {(one, row["States_id"]) for (one, _), row in self._verdicts.items()}
            self._uploads = {key: upload for key, upload in self._uploads.items() if key in named_uploads}

    def _take_states(self, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            key = fold(row["Application_id"]), row["Run_id"]
            upload = self._uploads.get(key)
            if upload is None:
                upload = self._uploads[key] = _Upload()
            upload.rows += 1
            upload.states += row["Resource_count"]
            if row["Is_compliant"] is False:
                upload.violations.add(Violation.of(*(row[name] for name in _KEY)))

    def _take_verdicts(self, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            key = fold(row["Application_id"]), fold(row["Policy_assignment_id"])
            known = self._verdicts.get(key)
            if known is None or row["TimeGenerated"] >= known["TimeGenerated"]:
                self._verdicts[key] = row
