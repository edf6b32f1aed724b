"""Lets Azure Policy evaluate a managed resource group, and waits until its states say that it has.

The operation that Azure begins is followed where our rights allow it, and told; it is never believed.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from operations.acting.states import states_of
from publisher.errors.kinds import AccessDenied, AzureFailure, Throttled, TransientFailure
from publisher.policy_insights.evaluations import Scan, scan_answer, start_evaluation

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from operations.acting.states import SeenState
    from operations.acting.watch import Watch
    from publisher.resource_ids import ResourceGroupId
    from publisher.resource_manager import ResourceManager

CALL_SECONDS: Final = 120.0
"""For one question with its retries, also when little is left of the time to wait."""

_FIRST_WAIT: Final = 1.0
_LONGEST_WAIT: Final = 30.0
_GROWTH: Final = 1.5


class Pace:
    """Waits that grow from a second to half a minute, until `seconds` from now are over."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._wait = _FIRST_WAIT

    @property
    def is_over(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() >= self._end

    async def pause(self) -> None:
        """Wait a while, not beyond the end."""
        wait = self._wait
        self._wait = min(self._wait * _GROWTH, _LONGEST_WAIT)
        await asyncio.sleep(max(0.0, min(wait, self._end - time.monotonic())))


def soon() -> float:
    """Return the deadline of a question that is asked now."""
    return time.monotonic() + CALL_SECONDS


def is_unanswered(failure: AzureFailure) -> bool:
    """Tell whether a request may have been carried out: it was sent, and nothing tells what became of it.

    A gateway that gave up (504), or a service that broke down (500), may have done first what was asked.
    """
    is_refusal = isinstance(failure, Throttled) or failure.code == "ConnectionFailed"
    return isinstance(failure, TransientFailure) and not is_refusal


@dataclass(slots=True)
class Evaluation:
    """What became of an evaluation: `later` of the `needed` states were evaluated later.

    `scan` is what Azure said of the operation last, None where it said nothing; `notes` are for a person.
    """

    needed: int = 0
    later: int = 0
    started: bool = False
    scan: Scan | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def is_done(self) -> bool:
        """Whether all that was needed was evaluated later."""
        return 0 < self.needed <= self.later

    def note(self, text: str) -> None:
        """Take a note, once."""
        if text not in self.notes:
            self.notes.append(text)

    @property
    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "started": self.started,
            "scan": str(self.scan) if self.scan else None,
            "states_needed": self.needed,
            "states_later": self.later,
            "evaluated_later": self.is_done,
            "notes": self.notes,
        }


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Starts and follows the evaluation of one managed resource group; `since` is how far back states are read."""

    arm: ResourceManager
    group: ResourceGroupId
    since: datetime

    async def states(self) -> list[SeenState]:
        """Return the states as Azure has them now; raise AzureFailures."""
        return await states_of(self.arm, self.group, since=self.since, deadline=soon())

    async def start(self) -> str:
        """Start an evaluation and return the link to it, "" without one; raise AzureFailures."""
        return await start_evaluation(self.arm, self.group, deadline=soon())

    async def wait(
        self, evaluation: Evaluation, watch: Watch, link: str, pace: Pace, tell: Callable[[str], None]
    ) -> None:
        """Wait until all that is watched was evaluated later; note in the evaluation how far it came.

        It ends early when Azure says that the evaluation failed, and when the states may not be read. Everything else
        is asked again until the time is over.
        """
        evaluation.needed = watch.needed
        if not link:
            evaluation.note("Azure gave no link to the evaluation; the times of the policy states tell")
        due = 0.0
        while True:
            if link and time.monotonic() >= due:
                link, wait = await self._follow(evaluation, link)
                due = time.monotonic() + wait
            is_readable = await self._look(evaluation, watch)
            tell(f"{evaluation.later} of {evaluation.needed} states were evaluated later")
            if evaluation.is_done or evaluation.scan is Scan.FAILED or not is_readable or pace.is_over:
                return
            await pace.pause()

    async def _follow(self, evaluation: Evaluation, link: str) -> tuple[str, float]:
        """Ask how far the evaluation is; return the link while there is more to ask, and in how many seconds."""
        try:
            answer = await scan_answer(self.arm, link, deadline=soon())
        except AccessDenied as failure:
            evaluation.note(f"the evaluation is started and cannot be followed: {failure.code}, our rights end here")
            return "", 0.0
        except TransientFailure as failure:
            evaluation.note(f"the evaluation could not be followed for a while: {failure.code}")
            return link, failure.retry_after or 0.0
        except AzureFailure as failure:
            evaluation.note(f"the evaluation is started and cannot be followed: {failure.code}: {failure}")
            return "", 0.0
        evaluation.scan = answer.scan
        if answer.scan is Scan.RUNNING:
            return link, answer.retry_after or 0.0
        if answer.scan is Scan.FAILED:
            evaluation.note(f"Azure says that the evaluation failed: {answer.says}")
        return "", 0.0

    async def _look(self, evaluation: Evaluation, watch: Watch) -> bool:
        """Read the states; return False when they may not be read."""
        try:
            evaluation.later = watch.later(await self.states())
        except TransientFailure as failure:
            evaluation.note(f"the policy states could not be read for a while: {failure.code}")
        except AzureFailure as failure:
            evaluation.note(f"the policy states cannot be read: {failure.code}: {failure}")
            return False
        return True
