"""Expected assignments and definition names as text in a registry row, whose length Table storage limits."""

import zlib
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import orjson

from publisher.resource_ids import fold
from registry.managed_application import Exemption, ExpectedAssignment, Posture

_LONGEST_PROPERTY: Final = 32_000
"""Table storage allows 32 K UTF-16 code units (FACTS 6.1)."""

_LONGEST_BINARY: Final = 60_000
_LARGEST_DOCUMENT: Final = 4_000_000
_TEXTS: Final = ("id", "display_name", "definition_id", "definition_display_name")

_BUILT_IN: Final = "/providers/microsoft.authorization/policydefinitions/"
"""The prefix of built-in definitions, without which their ids are stored."""


def assignments_in(text: object, postures: object = None) -> tuple[ExpectedAssignment, ...] | None:
    """Return the assignments in a property's text, with postures of another property; None for anything else."""
    try:
        members = orjson.loads(text) if isinstance(text, str) else None
        if not isinstance(members, list):
            return None
        known = _postures_in(postures)
        assignments = tuple(replace(assignment_of(one), posture=known.get(fold(one["id"]))) for one in members)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return assignments if all(one.id for one in assignments) else None


def assignments_text(assignments: tuple[ExpectedAssignment, ...] | None) -> str | None:
    """Return the assignments as JSON, without display names when only that fits; None when neither fits.

    Postures are stored apart (`postures_packed`).
    """
    if assignments is None:
        return None
    named = [{name: getattr(one, name) for name in _TEXTS} for one in assignments]
    for version in (named, [{**one, "display_name": "", "definition_display_name": ""} for one in named]):
        text = orjson.dumps(version).decode()
        if _code_units(text) <= _LONGEST_PROPERTY:
            return text
    return None


def postures_packed(assignments: tuple[ExpectedAssignment, ...]) -> bytes:
    """Return the postures by folded id, compressed; none of them when they do not fit, so that none is half known."""
    documents = {fold(one.id): _posture_document(one.posture) for one in assignments if one.posture}
    packed = zlib.compress(orjson.dumps(documents))
    return packed if len(packed) <= _LONGEST_BINARY else zlib.compress(b"{}")


def _postures_in(packed: object) -> dict[str, Posture]:
    """Return the postures in a property; none for anything else."""
    if not isinstance(packed, bytes):
        return {}
    try:
        documents = orjson.loads(zlib.decompressobj().decompress(packed, _LARGEST_DOCUMENT))
        return {key: _posture(one) for key, one in documents.items()}
    except (ValueError, TypeError, KeyError, AttributeError, zlib.error):
        return {}


def exemptions_text(exemptions: tuple[Exemption, ...] | None) -> str | None:
    """Return the exemptions as JSON, the last ones left out when they do not fit; None when they are not known."""
    if exemptions is None:
        return None
    kept: list[Exemption] = list(exemptions)
    while _code_units(text := orjson.dumps(kept).decode()) > _LONGEST_PROPERTY:
        kept = kept[: len(kept) // 2]
    return text


def exemptions_in(text: object) -> tuple[Exemption, ...] | None:
    """Return the exemptions in a property's text; None, not known, for anything else."""
    try:
        members = orjson.loads(text) if isinstance(text, str) else None
        if not isinstance(members, list):
            return None
        return tuple(_exemption(one) for one in members)
    except (ValueError, TypeError, KeyError):
        return None


def assignment_document(assignment: ExpectedAssignment) -> dict[str, Any]:
    """Return an assignment as JSON's values, for the ledger and for files of baselines."""
    document: dict[str, Any] = {name: getattr(assignment, name) for name in _TEXTS}
    if assignment.posture is not None:
        document["posture"] = _posture_document(assignment.posture)
    return document


def assignment_of(document: Any) -> ExpectedAssignment:
    """Return the assignment in a document of `assignment_document`; raise TypeError, KeyError or ValueError."""
    texts = {name: document[name] for name in _TEXTS}
    if not all(isinstance(text, str) for text in texts.values()):
        raise TypeError("an assignment's id or name is no text")
    posture = document.get("posture")
    return ExpectedAssignment(**texts, posture=None if posture is None else _posture(posture))


def _posture_document(posture: Posture) -> dict[str, Any]:
    return {name: getattr(posture, name) for name in Posture.__slots__}


def _posture(document: Any) -> Posture:
    changed_at = document["changed_at"]
    disabled = document["disabled"]
    return Posture(
        definition_version=str(document["definition_version"]),
        parameters=tuple((str(name), str(value)) for name, value in document["parameters"]),
        at_default=tuple(map(str, document["at_default"])),
        not_scopes=tuple(map(str, document["not_scopes"])),
        selectors=str(document["selectors"]),
        overrides=str(document["overrides"]),
        enforced=bool(document["enforced"]),
        disabled=None if disabled is None else tuple(map(str, disabled)),
        references=int(document["references"]),
        changed_at=None if changed_at is None else datetime.fromisoformat(changed_at),
    )


def _exemption(document: Any) -> Exemption:
    expires_at = document["expires_at"]
    return Exemption(
        id=str(document["id"]),
        assignment_id=str(document["assignment_id"]),
        reference_ids=tuple(map(str, document["reference_ids"])),
        category=str(document["category"]),
        expires_at=None if expires_at is None else datetime.fromisoformat(expires_at),
        created_by=str(document["created_by"]),
        display_name=str(document["display_name"]),
    )


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
