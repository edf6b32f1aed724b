"""Expected assignments and definition names as text in a registry row, whose length Table storage limits."""

from dataclasses import replace
from typing import Final

import orjson

from registry.managed_application import ExpectedAssignment

_LONGEST_PROPERTY: Final = 32_000
"""Table storage allows 32 K UTF-16 code units (FACTS 6.1)."""

_BUILT_IN: Final = "/providers/microsoft.authorization/policydefinitions/"
"""The prefix of built-in definitions, without which their ids are stored."""


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
    """Return the assignments as JSON, without display names when only that fits; None when neither fits."""
    if assignments is None:
        return None
    for version in (
        assignments,
        tuple(replace(one, display_name="", definition_display_name="") for one in assignments),
    ):
        text = orjson.dumps(version).decode()
        if _code_units(text) <= _LONGEST_PROPERTY:
            return text
    return None


def definition_names_in(text: object) -> tuple[tuple[str, str], ...]:
    """Return the (folded id, name) pairs in a property's text; none for anything else."""
    try:
        names = orjson.loads(text) if isinstance(text, str) else None
    except ValueError:
        return ()
    if not isinstance(names, dict):
        return ()
    return tuple(
        (key if key.startswith("/") else _BUILT_IN + key, name) for key, name in names.items() if isinstance(name, str)
    )


def definition_names_text(names: tuple[tuple[str, str], ...]) -> str:
    """Return the pairs as JSON; the last ones are left out when they do not fit."""
    kept: dict[str, str] = {}
    room = _LONGEST_PROPERTY - len("{}")
    for identity, name in names:
        key = identity.removeprefix(_BUILT_IN)
        room -= _code_units(orjson.dumps({key: name}).decode()) - len("{}") + len(",")
        if room < 0:
            break
        kept[key] = name
    return orjson.dumps(kept).decode()


def _code_units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
