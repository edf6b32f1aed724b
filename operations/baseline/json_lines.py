"""Lines of a JSON text, so that what is wrong with a value can be said with its line."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

Path = tuple[str | int, ...]
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
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadJson(error.lineno, f"no JSON: {error.msg}") from error
    except RecursionError as error:
        raise BadJson(1, "no JSON: too many levels") from error
    lines: dict[Path, int] = {}
    _walk(_tokens(text), (), lines)
    return value, lines


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    line, before = 1, 0
    for match in _TOKEN.finditer(text):
        line += text.count("\n", before, match.start())
        before = match.start()
        yield match[0], line


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
