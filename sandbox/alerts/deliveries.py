"""Reads alerts from the payloads that an action group's receiver got (common alert schema)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LEFT_OUT = frozenset(
    {"Application_id", "Policy_assignment_id", "Customer_subscription_id", "Alarm_key", "Plan", "Says"}
)
"""Dimensions that are left out of `Delivery.about`, which names whom the alert is about."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery: `condition` is "Fired" or "Resolved", `about` the names among the dimensions' values."""

    condition: str
    severity: str
    rule: str
    about: tuple[str, ...]
    alert_id: str
    time: str

    @classmethod
    def read(cls, payload: Mapping[str, Any]) -> Self:
        """Read a payload; KeyError when it lacks what the schema requires."""
        essentials = payload["data"]["essentials"]
        criteria = payload["data"]["alertContext"]["condition"]["allOf"]
        condition = essentials["monitorCondition"]
        return cls(
            condition,
            essentials["severity"],
            essentials["alertRule"],
            tuple(
                dimension["value"]
                for criterion in criteria
                for dimension in criterion["dimensions"]
                if dimension["name"] not in _LEFT_OUT
            ),
            essentials["alertId"],
            essentials["resolvedDateTime" if condition == "Resolved" else "firedDateTime"],
        )

    @property
    def summary(self) -> str:
        """Condition, rule and names as one text: "Fired: Rule: name, name"."""
        return ": ".join(part for part in (self.condition, self.rule, ", ".join(self.about)) if part)


def still_active(deliveries: Iterable[Delivery]) -> list[Delivery]:
    """Return the alerts that have fired and are not resolved, the oldest first."""
    active: dict[str, Delivery] = {}
    for alert in deliveries:
        if alert.condition == "Fired":
            active[alert.alert_id] = alert
        else:
            active.pop(alert.alert_id, None)
    return list(active.values())
