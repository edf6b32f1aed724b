"""Expected assignments and definition names as text in a registry row, whose length Table storage limits."""

import zlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
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


class PostureDocument(msgspec.Struct, kw_only=True):
    """A posture as it is stored: the members of a Posture, in their order, and none left out but a digest."""

    definition_version: str
    parameters: tuple[tuple[str, str], ...]
    not_scopes: tuple[str, ...]
    selectors: str
    overrides: str
    enforced: bool
    disabled: tuple[str, ...] | None
    digest: str = ""
    references: int
    at_default: tuple[str, ...]
    changed_at: Annotated[datetime, msgspec.Meta(tz=True)] | None


class ExpectedDocument(msgspec.Struct, omit_defaults=True):
    """An assignment as it is stored: the members of an ExpectedAssignment, without a posture where it has none."""

    id: str
    display_name: str
    definition_id: str
    definition_display_name: str
    posture: PostureDocument | None = None


_ASSIGNMENTS: Final = msgspec.json.Decoder(list[ExpectedDocument])
_POSTURES: Final = msgspec.json.Decoder(dict[str, PostureDocument])


def assignments_in(text: object, postures: object = None) -> tuple[ExpectedAssignment, ...] | None:
    """Return the assignments in a property's text, with postures of another property; None for anything else."""
    try:
        members = _ASSIGNMENTS.decode(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None
    if members is None or not all(one.id for one in members):
        return None
    known = _postures_in(postures)
    return tuple(
        ExpectedAssignment(
            one.id, one.display_name, one.definition_id, one.definition_display_name, known.get(fold(one.id))
        )
        for one in members
    )


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
    largest_first = sorted(postures, key=lambda key: len(msgspec.json.encode(_posture_document(postures[key]))))
    while len(packed := _packed(postures)) > _LONGEST_BINARY and largest_first:
        for key in largest_first[-_DIGESTED_AT_ONCE:]:
            postures[key] = digested(postures[key])
        del largest_first[-_DIGESTED_AT_ONCE:]
    return packed if len(packed) <= _LONGEST_BINARY else _packed({})


def _packed(postures: Mapping[str, Posture]) -> bytes:
    return zlib.compress(msgspec.json.encode({key: _posture_document(one) for key, one in postures.items()}))


def _postures_in(packed: object) -> dict[str, Posture]:
    """Return the postures in a property; none for anything else."""
    try:
        documents = _POSTURES.decode(_unfolded(packed)) if isinstance(packed, bytes) else {}
    except (ValueError, RecursionError, zlib.error):
        return {}
    return {key: _posture(one) for key, one in documents.items()}


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
        members = orjson.loads(_unfolded(packed)) if isinstance(packed, bytes) else None
        return tuple(_exemption(one) for one in members) if isinstance(members, list) else None
    except (ValueError, TypeError, KeyError, zlib.error):
        return None


def _unfolded(packed: bytes) -> bytes:
    """Return the JSON in a compressed property; raise zlib.error."""
    return zlib.decompressobj().decompress(packed, _LARGEST_DOCUMENT)


def assignment_document(assignment: ExpectedAssignment) -> ExpectedDocument:
    """Return the document of an assignment, for the ledger."""
    posture = None if assignment.posture is None else _posture_document(assignment.posture)
    return ExpectedDocument(
        assignment.id,
        assignment.display_name,
        assignment.definition_id,
        assignment.definition_display_name,
        posture,
    )


def assignment_of(document: ExpectedDocument) -> ExpectedAssignment:
    """Return the assignment in a document of `assignment_document`."""
    return ExpectedAssignment(
        document.id,
        document.display_name,
        document.definition_id,
        document.definition_display_name,
        None if document.posture is None else _posture(document.posture),
    )


def _posture_document(posture: Posture) -> PostureDocument:
    return PostureDocument(**{name: getattr(posture, name) for name in Posture.__slots__})


def _posture(document: PostureDocument) -> Posture:
    return Posture(**msgspec.structs.asdict(document))


def _time(value: Any) -> datetime | None:
    moment = None if value is None else datetime.fromisoformat(value)
    if moment is not None and moment.tzinfo is None:
        raise ValueError("a time has no time zone")
    return moment


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
