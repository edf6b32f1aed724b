"""Expected assignments and definition names as text in a registry row, whose length Table storage limits."""

import zlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import orjson

from publisher.resource_ids import fold
from registry.managed_application import Exemption, ExpectedAssignment, Posture
from registry.policies.digests import digested

_LONGEST_PROPERTY: Final = 32_000
"""Table storage allows 32 K UTF-16 code units (FACTS 6.1)."""

_LONGEST_BINARY: Final = 60_000
_LARGEST_DOCUMENT: Final = 4_000_000
_DIGESTED_AT_ONCE: Final = 8
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
    """Return the postures by folded id, compressed; the largest ones as digests when they do not fit otherwise.

    Not even the digests of Azure's 200 assignments at a scope fill the property.
    """
    postures = {fold(one.id): one.posture for one in assignments if one.posture}
    largest_first = sorted(postures, key=lambda key: len(orjson.dumps(_posture_document(postures[key]))))
    while len(packed := _packed(postures)) > _LONGEST_BINARY and largest_first:
        for key in largest_first[-_DIGESTED_AT_ONCE:]:
            postures[key] = digested(postures[key])
        del largest_first[-_DIGESTED_AT_ONCE:]
    return packed if len(packed) <= _LONGEST_BINARY else _packed({})


def _packed(postures: Mapping[str, Posture]) -> bytes:
    return zlib.compress(orjson.dumps({key: _posture_document(one) for key, one in postures.items()}))


def _postures_in(packed: object) -> dict[str, Posture]:
    """Return the postures in a property; none for anything else."""
    try:
        documents = _unpacked(packed) or {}
        return {key: _posture(one) for key, one in documents.items()}
    except (ValueError, TypeError, KeyError, AttributeError, zlib.error):
        return {}


def exemptions_packed(exemptions: tuple[Exemption, ...] | None) -> bytes | None:
    """Return the exemptions, compressed, without names of people and things when only that fits; None when unknown.

    None, too, when they do not fit at all: some of them would look as if the others had ended.
    """
    if exemptions is None:
        return None
    nameless = [replace(one, created_by="", display_name="") for one in exemptions]
    for version in (list(exemptions), nameless):
        packed = zlib.compress(orjson.dumps(version))
        if len(packed) <= _LONGEST_BINARY:
            return packed
    return None


def exemptions_in(packed: object) -> tuple[Exemption, ...] | None:
    """Return the exemptions in a property; None, not known, for anything else."""
    try:
        members = _unpacked(packed)
        return tuple(_exemption(one) for one in members) if isinstance(members, list) else None
    except (ValueError, TypeError, KeyError, zlib.error):
        return None


def _unpacked(packed: object) -> Any:
    """Return the JSON value in a compressed property, None for anything else; raise ValueError or zlib.error."""
    if not isinstance(packed, bytes):
        return None
    return orjson.loads(zlib.decompressobj().decompress(packed, _LARGEST_DOCUMENT))


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
    """Return the posture in a document; raise TypeError, KeyError or ValueError for what is not exactly one."""
    disabled, parameters = document["disabled"], document["parameters"]
    enforced, references = document["enforced"], document["references"]
    if type(enforced) is not bool or type(references) is not int or not isinstance(parameters, list):
        raise TypeError("a posture's enforced, references or parameters are of another type")
    return Posture(
        definition_version=_text(document["definition_version"]),
        parameters=tuple((_text(name), _text(value)) for name, value in parameters),
        at_default=_texts(document["at_default"]),
        not_scopes=_texts(document["not_scopes"]),
        selectors=_text(document["selectors"]),
        overrides=_text(document["overrides"]),
        enforced=enforced,
        disabled=None if disabled is None else _texts(disabled),
        digest=_text(document.get("digest", "")),
        references=references,
        changed_at=_time(document["changed_at"]),
    )


def _time(value: Any) -> datetime | None:
    moment = None if value is None else datetime.fromisoformat(value)
    if moment is not None and moment.tzinfo is None:
        raise ValueError("a time has no time zone")
    return moment


def _texts(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list):
        raise TypeError("a posture's texts are no list")
    return tuple(map(_text, values))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a posture's text is no text")
    return value


def _exemption(document: Any) -> Exemption:
    return Exemption(
        id=str(document["id"]),
        assignment_id=str(document["assignment_id"]),
        reference_ids=tuple(map(str, document["reference_ids"])),
        category=str(document["category"]),
        expires_at=_time(document["expires_at"]),
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
