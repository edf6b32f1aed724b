"""A row of a table as one line of JSON and back, without loss: each value goes with the type that storage gave it.

`{"keys": ["<partition>", "<row>"], "written": "<when storage took it>", "values": {"<name>": ["Edm.Int64", "42"]}}`.
Values are texts, also where a table has a number: a double keeps every digit, a time its seventh, half a surrogate pair
what it is. Source: "Understanding the Table service data model" (types of properties).
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import msgspec
from azure.data.tables import EdmType, EntityProperty

from publisher.table import Row
from publisher.texts import moment_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SPECIAL: Final = {math.inf: "Infinity", -math.inf: "-Infinity"}
_BOOLEANS: Final = {"true": True, "false": False}


class UnexportableRow(Exception):  # noqa: N818 - named for what it tells
    """A row has a value of a type that this version does not know; the message names the row and the property."""


class DamagedLine(Exception):  # noqa: N818 - named for what it tells
    """A line is none that `line_of` wrote; the message says why."""


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    keys: tuple[str, str]
    values: dict[str, tuple[str, str]]
    written: str = ""


def values_of(row: Row) -> dict[str, tuple[str, str]]:
    """Return the row's properties with their types, by name in alphabetical order; raise UnexportableRow."""
    return {name: _typed(row, name) for name in sorted(row.properties)}


def line_of(row: Row) -> bytes:
    """Return the row as a line that ends with a line feed; raise UnexportableRow."""
    written = _time_text(row.written_at) if row.written_at else ""
    document = {"keys": (row.partition_key, row.row_key), "written": written, "values": values_of(row)}
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


def row_of(line: bytes) -> Row:
    """Return the row in a line, which a table takes as it was; its ETag is empty. Raise DamagedLine."""
    try:
        # json and not msgspec's own decoder: that refuses half a surrogate pair, which a table can hold.
        found = msgspec.convert(json.loads(line), _Line, strict=True)
        properties = {name: _READ[kind](text) for name, (kind, text) in found.values.items()}
    except KeyError as error:
        raise DamagedLine(f"it has a value of the unknown type {str(error)[:40]}") from error
    except (ValueError, binascii.Error, msgspec.ValidationError, RecursionError) as error:
        raise DamagedLine("it is no row in the form of an export") from error
    return Row(*found.keys, "", properties, moment_in(found.written) if found.written else None)


def _typed(row: Row, name: str) -> tuple[str, str]:
    value = row.properties[name]
    kind = value.edm_type if isinstance(value, EntityProperty) else _kind_of(value)
    plain = value.value if isinstance(value, EntityProperty) else value
    write = _WRITE.get(kind) if isinstance(kind, str) else None
    if write is None:
        raise UnexportableRow(
            f"row {row.partition_key[:100]}/{row.row_key[:200]}: {name[:100]} has a value of an unknown type"
        )
    return EdmType(kind).value, write(plain)


def _kind_of(value: object) -> EdmType | None:
    # A bool is an int, too: the order counts.
    return next((kind for python, kind in _PYTHON_TYPES if isinstance(value, python)), None)


_PYTHON_TYPES: Final[tuple[tuple[type, EdmType], ...]] = (
    (bool, EdmType.BOOLEAN),
    (int, EdmType.INT32),
    (float, EdmType.DOUBLE),
    (str, EdmType.STRING),
    (bytes, EdmType.BINARY),
    (datetime, EdmType.DATETIME),
    (UUID, EdmType.GUID),
)
"""What the SDK's client makes of the values that a table holds; an Int64 is an EntityProperty."""


def _time_text(value: datetime | str) -> str:
    """Return a time as storage wrote it; the SDK's own class keeps that text, with seven digits."""
    if isinstance(value, str):
        return value
    return getattr(value, "tables_service_value", "") or value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _double_text(value: float) -> str:
    return "NaN" if math.isnan(value) else _SPECIAL.get(value, repr(float(value)))


_WRITE: Final[Mapping[str, Callable[[Any], str]]] = {
    EdmType.BOOLEAN: lambda value: str(value).lower(),
    EdmType.INT32: str,
    EdmType.INT64: str,
    EdmType.DOUBLE: _double_text,
    EdmType.STRING: str,
    EdmType.BINARY: lambda value: base64.b64encode(value).decode(),
    EdmType.DATETIME: _time_text,
    EdmType.GUID: str,
}

_READ: Final[Mapping[str, Callable[[str], Any]]] = {
    EdmType.BOOLEAN.value: _BOOLEANS.__getitem__,
    EdmType.INT32.value: int,
    EdmType.INT64.value: lambda text: EntityProperty(int(text), EdmType.INT64),
    EdmType.DOUBLE.value: float,
    EdmType.STRING.value: str,
    EdmType.BINARY.value: lambda text: base64.b64decode(text, validate=True),
    # As text, which the SDK's client passes on as it is.
    EdmType.DATETIME.value: lambda text: EntityProperty(text, EdmType.DATETIME),
    EdmType.GUID.value: UUID,
}
"""What the SDK's client writes with the same type."""
