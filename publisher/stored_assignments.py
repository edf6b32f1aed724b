"""The expected assignments as one text property of a registry row, which has to fit into Table storage."""

from dataclasses import replace
from typing import Final

import orjson

from publisher.managed_application import ExpectedAssignment

_LONGEST_PROPERTY: Final = 32_000
"""Table storage allows 32 K UTF-16 code units (FACTS 6.1)."""


def assignments_in(text: object) -> tuple[ExpectedAssignment, ...] | None:
    """Return the assignments in a property's text; None, not known, for anything else."""
    try:
        members = orjson.loads(text) if isinstance(text, str) else None
        if not isinstance(members, list):
            return None
        assignments = tuple(ExpectedAssignment(**member) for member in members)
    except (ValueError, TypeError):
        return None
    is_sound = all(isinstance(getattr(one, name), str) for one in assignments for name in one.__slots__)
    return assignments if is_sound and all(one.id for one in assignments) else None


def assignments_text(assignments: tuple[ExpectedAssignment, ...] | None) -> str | None:
    """Return the assignments as JSON; without display names when that alone fits; None when nothing fits."""
    if assignments is None:
        return None
    for version in (
        assignments,
        tuple(replace(one, display_name="", definition_display_name="") for one in assignments),
    ):
        text = orjson.dumps(version).decode()
        if len(text.encode("utf-16-le")) // 2 <= _LONGEST_PROPERTY:
            return text
    return None
