"""Logs and counts the requests to the sandbox's servers, for tests and reports."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiohttp import web

    from sandbox.services import Service

KEPT_REQUESTS = 50_000
_SECRET_HEADERS = frozenset({"authorization", "x-identity-header", "x-functions-key", "cookie"})


@dataclass(slots=True)
class LoggedRequest:
    """One request. `headers` has lower-case names and no secrets; `status` is 0 while it runs or was cut off."""

    service: Service
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    started: float
    status: int = 0
    seconds: float = 0.0
    answered_bytes: int = 0
    """Of the answer's body, uncompressed."""


@dataclass
class RequestLog:
    """Thread-safe. Keeps the latest 50,000 requests, and counts all of them."""

    _kept: deque[LoggedRequest] = field(default_factory=lambda: deque(maxlen=KEPT_REQUESTS))
    _counts: Counter[tuple[Service, int]] = field(default_factory=Counter)
    _running: Counter[Service] = field(default_factory=Counter)
    _most_running: Counter[Service] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _cleared_at: float = 0.0

    def of(self, service: Service, *, method: str | None = None, path_part: str = "") -> list[LoggedRequest]:
        """The kept requests to one service in order of arrival, optionally only some of them."""
        with self._lock:
            kept = list(self._kept)
        return [
            entry
            for entry in kept
            if entry.service is service and method in {None, entry.method} and path_part.lower() in entry.path.lower()
        ]

    def count(self, service: Service, status: int | None = None) -> int:
        """How many requests a service has answered, optionally only those with one status (0: cut off)."""
        with self._lock:
            return sum(n for (one, code), n in self._counts.items() if one is service and status in {None, code})

    def most_at_once(self, service: Service) -> int:
        """The largest number of requests that a service was busy with at the same time."""
        with self._lock:
            return self._most_running[service]

    def totals(self) -> dict[str, dict[str, int]]:
        """Answered requests by service and status, for the benchmark's report."""
        with self._lock:
            found: dict[str, dict[str, int]] = {}
            for (service, status), number in sorted(self._counts.items()):
                found.setdefault(service.value, {})[str(status)] = number
            return found

    def clear(self) -> None:
        """Forgets everything; of requests that are running, only that services are busy with them."""
        with self._lock:
            self._cleared_at = time.monotonic()
            self._kept.clear()
            self._counts.clear()
            self._most_running = Counter(self._running)

    @contextmanager
    def record(self, service: Service, request: web.Request) -> Iterator[LoggedRequest]:
        """Logs a request from its arrival to its answer; the caller fills in the status."""
        entry = LoggedRequest(
            service,
            request.method,
            request.path,
            {name: "REDACTED" if name in {"sig", "code"} else value for name, value in request.query.items()},
            {name.lower(): value for name, value in request.headers.items() if name.lower() not in _SECRET_HEADERS},
            time.monotonic(),
        )
        with self._lock:
            self._kept.append(entry)
            self._running[service] += 1
            self._most_running[service] = max(self._most_running[service], self._running[service])
        try:
            yield entry
        finally:
            entry.seconds = time.monotonic() - entry.started
            with self._lock:
                self._running[service] -= 1
                if entry.started >= self._cleared_at:
                    self._counts[service, entry.status] += 1
