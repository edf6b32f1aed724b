"""What an export says of itself: one small blob, written after all others, without which there is no export."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA: Final = 1
"""The form of manifest and lines; another one is not restored by this version."""

REGISTRY: Final = "applications"
LEDGER: Final = "verdicts"
PENDING: Final = "pending"
KINDS: Final = (REGISTRY, PENDING, LEDGER)
"""What is exported, in the order in which it is restored: the ledger's record of the latest run is the very last."""

_Count = Annotated[int, msgspec.Meta(ge=0)]
_Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class UnusableExport(Exception):  # noqa: N818 - named for what it tells
    """An export cannot be restored, and nothing of it is; the message says what is wrong with it."""


class ExportedTable(msgspec.Struct, frozen=True):
    """One table of an export.

    `rows` are all of them. `living` are those that do not go by themselves: applications without tombstones, and the
    ledger's rows but its record of the latest run.
    """

    table: str
    rows: _Count
    living: _Count
    bytes: _Count
    sha256: _Sha256


class Manifest(msgspec.Struct, frozen=True):
    """The export as a whole; times are ISO 8601 in UTC, `version` is the program's. `tables` are by KINDS."""

    schema: int
    name: str
    version: str
    began_at: str
    ended_at: str
    tables: dict[str, ExportedTable]


class _Form(msgspec.Struct):
    schema: int


def manifest_bytes(manifest: Manifest) -> bytes:
    """Return the manifest as JSON."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def manifest_in(content: bytes, name: str) -> Manifest:
    """Return the manifest of the export with this name; raise UnusableExport."""
    try:
        schema = msgspec.json.decode(content, type=_Form).schema
        if schema != SCHEMA:
            raise UnusableExport(f"its schema is {schema}, and this version reads schema {SCHEMA}")
        manifest = msgspec.json.decode(content, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnusableExport(f"its manifest is damaged: {str(error)[:200]}") from error
    if manifest.name != name:
        raise UnusableExport(f"its manifest is that of another export: {manifest.name[:40]}")
    if missing := set(KINDS) - manifest.tables.keys():
        raise UnusableExport(f"its manifest lacks {', '.join(sorted(missing))}")
    return manifest


def counts_text(tables: Mapping[str, ExportedTable]) -> str:
    """Return how many rows there are of each kind, in words."""
    return ", ".join(f"{kind}: {tables[kind].rows} rows" for kind in KINDS)
