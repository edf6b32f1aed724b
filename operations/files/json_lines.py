"""Lines of a JSON text, so that what is wrong with a value can be said with its line."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

Path = tuple[str | int, ...]
_MOST_DIGITS: Final = 25
_LARGEST_NUMBER: Final = 2.0**63
_TOKEN: Final = re.compile(r'"(?:\\.|[^"\\])*"|[{}\[\],:]|[^\s{}\[\],:"]+')


class BadJson(Exception):  # noqa: N818 - named for what it tells
    """A text is no JSON, or names a member twice."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def read(text: str) -> tuple[Any, dict[Path, int]]:
    """Return a JSON text's value, and the line of every value in it by its path; raise BadJson.

    A path has the names of members and the positions in lists, such as ("assignments", 0, "id").
    """
    lines: dict[Path, int] = {}
    try:
        # Numbers that nobody can store are told with their line, and Python reads no number of thousands of digits.
        value = json.loads(text, parse_int=lambda digits: int(digits[:_MOST_DIGITS]))
        _walk(_tokens(text), (), lines)
    except json.JSONDecodeError as error:
        raise BadJson(error.lineno, f"no JSON: {error.msg}") from error
    except RecursionError as error:
        raise BadJson(1, "no JSON: too many levels") from error
    return value, lines


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    line, before = 1, 0
    for match in _TOKEN.finditer(text):
        line += text.count("\n", before, match.start())
        before = match.start()
        _check(match[0], line)
        yield match[0], line


def _check(token: str, line: int) -> None:
    """Raise BadJson for what Python reads, and is no JSON or cannot be stored."""
    if token.startswith('"'):
        if any("\ud800" <= character <= "\udfff" for character in json.loads(token)):
            raise BadJson(line, "half a surrogate pair in a text")
    elif token in {"NaN", "Infinity", "-Infinity"}:
        raise BadJson(line, f"no JSON: {token}")
    elif token[-1].isdigit() and (len(token) > _MOST_DIGITS or abs(float(token)) >= _LARGEST_NUMBER):
        raise BadJson(line, "a number of more digits than can be stored")


def _walk(tokens: Iterator[tuple[str, int]], path: Path, lines: dict[Path, int]) -> None:
    """Note the lines of the value that begins with the next token, and of those in it; the text is valid JSON."""
    token, line = next(tokens)
    _value(token, line, tokens, path, lines)


def _value(token: str, line: int, tokens: Iterator[tuple[str, int]], path: Path, lines: dict[Path, int]) -> None:
    if path in lines:
        raise BadJson(line, f"{path[-1]} is given twice")
    lines[path] = line
    if token == "{":  # noqa: S105 - a bracket
        _members(tokens, path, lines)
    elif token == "[":  # noqa: S105
        _items(tokens, path, lines)


def _members(tokens: Iterator[tuple[str, int]], path: Path, lines: dict[Path, int]) -> None:
    for token, _ in tokens:
        if token == "}":  # noqa: S105
            return
        if token != ",":  # noqa: S105
            next(tokens)  # the colon
            _walk(tokens, (*path, json.loads(token)), lines)


def _items(tokens: Iterator[tuple[str, int]], path: Path, lines: dict[Path, int]) -> None:
    position = 0
    for token, line in tokens:
        if token == "]":  # noqa: S105
            return
        if token != ",":  # noqa: S105
            _value(token, line, tokens, (*path, position), lines)
            position += 1
