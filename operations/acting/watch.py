"""Whether Azure Policy has evaluated again: told by the times of its states alone, never by an operation's success.

Times are Azure's own, and compared with each other, never with our clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from operations.acting.states import SeenState, Watched


@dataclass(frozen=True, slots=True)
class Watch:
    """The states that have to be evaluated later than they were.

    `before` has the time of each of the application's states when the watch began. `wanted` are those of which each has
    to be later; without any, one later state of the application is enough. `repaired` has times as of before a
    repair: a state that is Compliant and later than that was evaluated after it.
    """

    before: Mapping[Watched, datetime | None]
    wanted: frozenset[Watched] = frozenset()
    repaired: Mapping[Watched, datetime | None] = field(default_factory=dict)

    @classmethod
    def over(cls, states: Iterable[SeenState], keys: Iterable[Watched], repaired: Iterable[SeenState] = ()) -> Watch:
        """Return a watch that begins with these states: over those of these keys that have one."""
        before = times_of(states)
        return cls(before, frozenset(key for key in keys if key in before), times_of(repaired))

    def later(self, states: Sequence[SeenState]) -> int:
        """Return how many of the states that are wanted were evaluated later.

        One that has vanished counts once others are later: what it told of was evaluated, and has no state any more.
        """
        now, good = times_of(states), times_of(one for one in states if one.compliance == "compliant")
        again = {key for key in now if _is_later(now[key], self.before.get(key))}
        again |= {key for key in good if key in self.repaired and _is_later(good[key], self.repaired[key])}
        gone = self.wanted - now.keys() if again else frozenset()
        return len((again & self.wanted if self.wanted else again) | gone)

    @property
    def needed(self) -> int:
        """How many have to be later."""
        return len(self.wanted) or 1


def times_of(states: Iterable[SeenState]) -> dict[Watched, datetime | None]:
    """Return the time of each state, of several under one key the latest."""
    times: dict[Watched, datetime | None] = {}
    for one in states:
        known = times.get(one.watched)
        times[one.watched] = max(known, one.evaluated_at) if known and one.evaluated_at else known or one.evaluated_at
    return times


def _is_later(now: datetime | None, before: datetime | None) -> bool:
    return now is not None and (before is None or now > before)
