"""Azure Monitor's limits on log search alert rules (FACTS 4.3, 11.2), and the worst case of what lies beyond them.

What becomes of more alerts than a rule may have is not documented. The sandbox plays what hurts most: they do not
fire, which ones do not is arbitrary, and an active alert among them counts as healthy, so that it resolves.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

LOOK_BACK: Final = timedelta(days=2)
"""A rule's query sees no older rows, whatever its window and its own words say."""

MOST_DIMENSIONS: Final = 6
DIMENSION_TYPES: Final = frozenset({"string", "int", "long", "real"})
"""Types of columns that a rule can split by: strings and numbers."""

MOST_ALERTS: Final = 300
"""Alerts in one evaluation of a stateful rule."""

MOST_STATELESS_ALERTS: Final = 6_000
"""Alerts in one evaluation of a rule that does not resolve its alerts."""

LONGEST_STATEFUL_FREQUENCY: Final = timedelta(hours=12)
"""Rules that are evaluated less often cannot resolve their alerts."""

Combination = TypeVar("Combination")


def within_limit(
    breaches: Mapping[Combination, float], dice: random.Random, *, stateful: bool
) -> dict[Combination, float]:
    """Return those of a rule's breaching combinations of dimensions that one evaluation can tell."""
    most = MOST_ALERTS if stateful else MOST_STATELESS_ALERTS
    if len(breaches) <= most:
        return dict(breaches)
    return dict(dice.sample(list(breaches.items()), most))
