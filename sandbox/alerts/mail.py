"""An action group's e-mails: at most 100 an hour to each address (FACTS 11.2); what is above is dropped."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

MOST_MAILS: Final = 100
WITHIN: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Mail:
    """One e-mail: to whom, when, and the alert that it is about."""

    address: str
    at: datetime
    payload: Mapping[str, Any]


class MailAction:
    """Sends each alert to every address, and counts in `dropped`, by address, what the limit keeps back.

    It is a receiver for `AlertEvaluator`; the time of a mail is the time at which its alert fired or was resolved.
    """

    def __init__(self, addresses: Iterable[str]) -> None:
        self._addresses = tuple(addresses)
        self._recent: dict[str, deque[datetime]] = defaultdict(deque)
        self.mails: list[Mail] = []
        self.dropped: Counter[str] = Counter()

    def __call__(self, payload: Mapping[str, Any]) -> None:
        """Take an alert in the common alert schema; KeyError when it is none."""
        essentials = payload["data"]["essentials"]
        at = datetime.fromisoformat(essentials.get("resolvedDateTime") or essentials["firedDateTime"])
        for address in self._addresses:
            recent = self._recent[address]
            while recent and recent[0] <= at - WITHIN:
                recent.popleft()
            if len(recent) >= MOST_MAILS:
                self.dropped[address] += 1
                continue
            recent.append(at)
            self.mails.append(Mail(address, at, payload))


def to_all(*receivers: Callable[[Mapping[str, Any]], None]) -> Callable[[Mapping[str, Any]], None]:
    """Return a receiver that hands each alert to all of these, as an action group with several actions does."""

    def deliver(payload: Mapping[str, Any]) -> None:
        for receive in receivers:
            receive(payload)

    return deliver
