"""The mappings of docs/tickets, applied to what an action group posts.

A text of a mapping names fields of the alert in braces: `essentials.X`, `dimension.X` (of the first criterion) and
`property.X` (custom properties); what the alert does not have is "". An object with `by` and `words` is the word for what
the text in `by` becomes.
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
        return [mapped(one, payload) for one in mapping]
    if isinstance(mapping, dict) and mapping.keys() == {"by", "words"}:
        return mapping["words"][mapped(mapping["by"], payload)]
    if isinstance(mapping, dict):
        return {name: mapped(one, payload) for name, one in mapping.items()}
    if not isinstance(mapping, str):
        return mapping
    return _FIELD.sub(lambda field: _value(payload, field[1], field[2]), mapping)


def _value(payload: dict[str, Any], kind: str, name: str) -> str:
    data = payload["data"]
    context = data["alertContext"]
    places: dict[str, dict[str, Any]] = {
        "essentials": data["essentials"],
        "property": context["properties"] or {},
        "dimension": {one["name"]: one["value"] for one in context["condition"]["allOf"][0]["dimensions"]},
    }
    return str(places[kind].get(name, ""))
