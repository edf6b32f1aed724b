"""Scripted faults: `sandbox.faults.add(PolicyQuery(customer, page=2), Status(429, retry_after=2), times=1)`.

What can fail is in sandbox/faults/operations.py, how it fails in sandbox/faults/effects.py. Faults of whole services
(refused connections, a certificate that nobody trusts) are methods of `Sandbox`, because they come before any request.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from sandbox.errors import RefusedError
from sandbox.faults.effects import Call

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler, Middleware

    from sandbox.faults.effects import Answer, Effect
    from sandbox.faults.operations import Operation


@dataclass(slots=True)
class ScriptedFault:
    """One fault: it leaves the first `after` matching requests alone, then spoils `times` of them (None: all).

    `seen` counts the matching requests, those that another fault spoiled included; `played` counts the spoiled ones.
    """

    operation: Operation
    effect: Effect
    times: int | None = None
    after: int = 0
    played: int = 0
    seen: int = 0

    @property
    def is_due(self) -> bool:
        """Whether the latest matching request is one to spoil."""
        return self.seen > self.after and (self.times is None or self.played < self.times)


class Faults:
    """Every scripted fault. Thread-safe; of several faults for one request the one added first is played."""

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
        """Takes a fault back; does nothing when it was taken back already."""
        with self._lock:
            self._script = [other for other in self._script if other is not fault]

    def clear(self) -> None:
        """Everything works again."""
        with self._lock:
            self._script.clear()

    async def answer(self, operation: Operation, request: web.Request, answer: Answer) -> web.StreamResponse:
        """The server's answer, or what the fault that is due makes of it."""
        fault = self._next(operation)
        if fault is None:
            return await answer()
        return await fault.effect(Call(operation, request, _refusals_as_answers(answer)))

    def _next(self, operation: Operation) -> ScriptedFault | None:
        with self._lock:
            matching = [fault for fault in self._script if fault.operation.matches(operation)]
            for fault in matching:
                fault.seen += 1
            due = next((fault for fault in matching if fault.is_due), None)
            if due is not None:
                due.played += 1
            return due


def _refusals_as_answers(answer: Answer) -> Answer:
    async def answered() -> web.Response:
        try:
            return await answer()
        except RefusedError as refused:
            return refused.response()

    return answered


def spoiled(faults: Faults, operation: Operation) -> Middleware:
    """Returns a middleware that lets faults for `operation` be played on every request of a server."""

    @web.middleware
    async def play(request: web.Request, handler: Handler) -> web.StreamResponse:
        async def answer() -> web.Response:
            response = await handler(request)
            if not isinstance(response, web.Response):
                raise TypeError("only answers that are sent in one piece can be spoiled")
            return response

        return await faults.answer(operation, request, answer)

    return play
