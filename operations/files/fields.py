"""Reads a JSON file, and checks its fields; every complaint names file, line and field."""

from __future__ import annotations

from argparse import ArgumentTypeError
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from operations.arguments import name_or_nothing
from operations.files.json_lines import BadJson, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from operations.files.json_lines import Path as JsonPath

_Choice = TypeVar("_Choice")
_MOST_BYTES: Final = 1_000_000


class BadFile(Exception):  # noqa: N818 - named for what it tells
    """The file cannot be used; the message has file, line and field."""


@dataclass(frozen=True, slots=True)
class JsonFile:
    """A file's value, and the line of every value in it by its path."""

    path: Path
    value: Any
    lines: Mapping[JsonPath, int]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a file; raise BadFile when it cannot be read, is too large, or is no JSON."""
        try:
            content = path.read_bytes()[: _MOST_BYTES + 1]
            text = content.decode("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise BadFile(f"{path} cannot be read: {error}") from error
        if len(content) > _MOST_BYTES:
            raise BadFile(f"{path} has more than {_MOST_BYTES:,} bytes")
        try:
            return cls(path, *read(text))
        except BadJson as error:
            raise BadFile(f"{path}:{error.line}: {error}") from error

    def bad(self, path: JsonPath, message: str) -> BadFile:
        """Return the complaint about a field: with the line of the nearest value around it that is there."""
        around = next(path[:length] for length in range(len(path), -1, -1) if path[:length] in self.lines)
        field = "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in path).removeprefix(".")
        return BadFile(f"{self.path}:{self.lines[around]}: {field or 'the file'} {message}")

    def members(self, path: JsonPath, value: Any, known: Iterable[str] | None = None) -> dict[str, Any]:
        """Return an object, which has no other members than those that are known; None means any."""
        if not isinstance(value, dict):
            raise self.bad(path, "must be an object")
        for name in value:
            if known is not None and name not in known:
                raise self.bad((*path, name), f"is no field; fields are {', '.join(sorted(known))}")
        return value

    def text(self, path: JsonPath, value: dict[str, Any], name: str, *, is_needed: bool = False) -> str:
        """Return a member that is text, without spaces around it; "" when it is missing and not needed."""
        text = value.get(name, "")
        if not isinstance(text, str):
            raise self.bad((*path, name), "must be text")
        if is_needed and not text.strip():
            raise self.bad((*path, name), "is missing")
        return text.strip()

    def name(self, path: JsonPath, value: dict[str, Any], name: str) -> str:
        """Return a member that is a name as the command line takes it, which may be empty."""
        try:
            return name_or_nothing(self.text(path, value, name))
        except ArgumentTypeError as error:
            raise self.bad((*path, name), f"cannot be used: {error}") from error

    def choice(self, path: JsonPath, value: Any, choices: Mapping[str, _Choice]) -> _Choice:
        """Return the choice that a text names, in any letter case."""
        if not isinstance(value, str) or value.strip().lower() not in choices:
            raise self.bad(path, f"must be one of {', '.join(choices)}")
        return choices[value.strip().lower()]
