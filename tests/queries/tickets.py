"""The mappings of docs/tickets, applied to what an action group posts.

A text of a mapping names fields of the alert in braces: `essentials.X`, `dimension.X` (of the first criterion) and
`property.X` (custom properties); what the alert does not have is "". `all.dimensions` stands for each dimension but the key, as
`name: value` with semicolons between; an object with `each` and `as` in a list for as many items, with `each.name` and
`each.value` in them. An object with `by` and `words` is the word for what the text in `by` becomes.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

TICKETS = Path(__file__).resolve().parents[2] / "docs" / "tickets"
_FIELD = re.compile(r"\{([a-z]+)\.(\w+)\}")


def mapping_of(target: str) -> Any:
    return json.loads((TICKETS / f"{target}.mapping.json").read_text(encoding="utf-8"))


def mapped(mapping: Any, payload: dict[str, Any]) -> Any:
    """Return what a mapping makes of an alert; raise KeyError for a word that it does not have."""
    if isinstance(mapping, list):
        return [each for one in mapping for each in _items(one, payload)]
    if isinstance(mapping, dict) and mapping.keys() == {"by", "words"}:
        return mapping["words"][mapped(mapping["by"], payload)]
    if isinstance(mapping, dict):
        return {name: mapped(one, payload) for name, one in mapping.items()}
    if not isinstance(mapping, str):
        return mapping
    return _FIELD.sub(lambda field: _value(payload, field[1], field[2]), mapping)


def _items(mapping: Any, payload: dict[str, Any]) -> list[Any]:
    """Return what an item of a list becomes: one item, or one for each dimension."""
    if not (isinstance(mapping, dict) and mapping.keys() == {"each", "as"}):
        return [mapped(mapping, payload)]
    told = _dimensions_for_people(payload)
    return [mapped(mapping["as"], {**payload, "each": {"name": name, "value": value}}) for name, value in told.items()]


def _dimensions(payload: dict[str, Any]) -> dict[str, str]:
    criterion = payload["data"]["alertContext"]["condition"]["allOf"][0]
    return {one["name"]: one["value"] for one in criterion["dimensions"]}


def _dimensions_for_people(payload: dict[str, Any]) -> dict[str, str]:
    return {name: value for name, value in _dimensions(payload).items() if name != "Alarm_key"}


def _value(payload: dict[str, Any], kind: str, name: str) -> str:
    told = _dimensions_for_people(payload).items()
    places: dict[str, dict[str, Any]] = {
        "essentials": payload["data"]["essentials"],
        "property": payload["data"]["alertContext"]["properties"] or {},
        "dimension": _dimensions(payload),
        "all": {"dimensions": "; ".join(f"{name}: {value}" for name, value in told)},
        "each": payload.get("each", {}),
    }
    return str(places[kind].get(name, ""))
