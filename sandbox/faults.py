"""Scripted faults: `sandbox.faults.add(PolicyQuery(customer, page=2), Status(429, retry_after=2), times=1)`.

What can fail is in sandbox.operations, how it fails in sandbox.effects. Faults of whole services (refused connections,
a certificate that nobody trusts) are switches of `Sandbox`, because they happen before there is a request.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.errors import RefusedError

if TYPE_CHECKING:
    from aiohttp import web

    from sandbox.effects import Answer, Effect
    from sandbox.operations import Operation


@dataclass(slots=True)
class ScriptedFault:
    """One fault: lets `after` matching requests pass, then spoils `times` of them (None: all). `played` counts."""

    operation: Operation
    effect: Effect
    times: int | None = None
    after: int = 0
    played: int = 0
    passed: int = field(default=0, repr=False)

    @property
    def is_over(self) -> bool:
        """Whether it has been played as often as wanted."""
        return self.times is not None and self.played >= self.times


class Faults:
    """The script. Thread-safe; of several faults for one request the one added first is played."""

    def __init__(self) -> None:
        self._script: list[ScriptedFault] = []
        self._lock = threading.Lock()

    def add(self, operation: Operation, effect: Effect, *, times: int | None = None, after: int = 0) -> ScriptedFault:
        """Scripts a fault and returns it, so that a test can ask how often it was `played`."""
        fault = ScriptedFault(operation, effect, times, after)
        with self._lock:
            self._script.append(fault)
        return fault

    def remove(self, fault: ScriptedFault) -> None:
        """Takes a fault out of the script; does nothing when it is not in it."""
        with self._lock:
            self._script = [other for other in self._script if other is not fault]

    def clear(self) -> None:
        """Everything works again."""
        with self._lock:
            self._script.clear()

    async def answer(self, operation: Operation, request: web.Request, answer: Answer) -> web.StreamResponse:
        """The server's answer, spoiled if the script says so."""
        fault = self._next(operation)
        if fault is None:
            return await answer()
        return await fault.effect.play(operation, request, _refusals_as_answers(answer))

    def _next(self, operation: Operation) -> ScriptedFault | None:
        with self._lock:
            for fault in self._script:
                if fault.is_over or not fault.operation.matches(operation):
                    continue
                if fault.passed < fault.after:
                    fault.passed += 1
                    continue
                fault.played += 1
                return fault
        return None


def _refusals_as_answers(answer: Answer) -> Answer:
    async def answered() -> web.Response:
        try:
            return await answer()
        except RefusedError as refused:
            return refused.response()

    return answered
