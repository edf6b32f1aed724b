"""How many queries of callers run at once, so that nobody's slow ones take everybody's places."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final

from compliance_api.http import ProblemError

MOST_AT_ONCE: Final = 4
MOST_OF_ONE_CALLER: Final = 2
_WAIT_SECONDS: Final = 5


class Places:
    """The places of one process. A caller has two at most, and the last free one is for a caller who has none."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()

    @contextmanager
    def place(self, caller: str) -> Iterator[None]:
        """Hold a place; ProblemError 429 with Retry-After when there is none for this caller."""
        own, free = self._taken[caller], MOST_AT_ONCE - self._taken.total()
        if own >= MOST_OF_ONE_CALLER:
            raise _busy(f"{own} queries of yours are under way already.")
        if free <= (1 if own else 0):
            raise _busy(f"{self._taken.total()} queries are under way already.")
        self._taken[caller] += 1
        try:
            yield
        finally:
            self._taken[caller] -= 1
            self._taken += Counter()  # forgets callers who hold none


def _busy(detail: str) -> ProblemError:
    return ProblemError(HTTPStatus.TOO_MANY_REQUESTS, detail, retry_after_seconds=_WAIT_SECONDS)
