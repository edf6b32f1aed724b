"""How many bytes of a row Log Analytics bills, and counts in `_BilledSize`.

It is the text of what the columns hold, without their names, and without the columns that Azure adds to every table
(`_ResourceId`, `_SubscriptionId`, `_ItemId`, `_IsBillable`, `_BilledSize`, `Type`). How a number or a time is spelled
is not documented: here as in the row that was sent.
Source: https://learn.microsoft.com/azure/azure-monitor/logs/cost-logs#data-size-calculation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def billed_bytes(columns: Mapping[str, Any]) -> int:
    """Return what is billed for a row of these values; a column without a value costs nothing."""
    return len("".join([str(value) for value in columns.values() if value is not None]).encode("utf-8", "replace"))
