"""Reads a Bicep file. Understood is what the templates use, that is the language of Bicep 0.9; the rest is an error."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final, TypeVar

from checks.templates.syntax import (
    Array,
    Call,
    Condition,
    Constant,
    Declaration,
    Expression,
    Loop,
    Member,
    Name,
    NotUnderstood,
    Object,
    Operation,
    Text,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")

_SPACE: Final = re.compile(r"(?:[ \t\r]|//[^\n]*|/\*.*?\*/|#disable-next-line[^\n]*)+", re.DOTALL)
_NEWLINES: Final = re.compile(r"(?:\s|//[^\n]*|/\*.*?\*/|#disable-next-line[^\n]*)+", re.DOTALL)
_WORD: Final = re.compile(r"[A-Za-z_]\w*")
_NUMBER: Final = re.compile(r"\d+")
_PIECE: Final = re.compile(r"(?:[^'\\$\n]|\$(?!\{)|\\.)+")
_ESCAPE: Final = re.compile(r"\\(u\{([0-9a-fA-F]+)\}|.)")
_ESCAPED: Final = {"n": "\n", "r": "\r", "t": "\t"}
_CONSTANTS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None}
_LEVELS: Final = (("||",), ("&&",), ("==", "!="), ("<=", ">=", "<", ">"), ("+", "-"), ("*", "/", "%"))


def read(path: Path) -> list[Declaration]:
    """Return the declarations of a file, in order; raise NotUnderstood."""
    return list(_read(path.name, path.read_text(encoding="utf-8")))


@cache
def _read(name: str, text: str) -> tuple[Declaration, ...]:
    """A deployment reads the same file for every module that names it, and nothing in a declaration changes."""
    return tuple(_Reader(name, text).file())


class _Reader:
    def __init__(self, name: str, text: str) -> None:
        self._name, self._text, self._at = name, text, 0

    def file(self) -> list[Declaration]:
        found = list[Declaration]()
        self._skip_lines()
        while self._at < len(self._text):
            if self._take("@"):
                self._expression()
            elif (word := self._word()) == "targetScope":
                self._must("=")
                self._expression()
            else:
                found.append(self._declaration(word))
            self._skip_lines()
        return found

    def _declaration(self, kind: str) -> Declaration:
        line = self._line()
        if kind not in ("param", "var", "resource", "module", "output"):
            raise self._error(f"{kind or 'what'} begins no declaration that is known")
        name, source, is_existing = self._word(), "", False
        if kind in ("param", "output"):
            source = self._word()
        elif kind != "var":
            source = self._plain_text()
            is_existing = kind == "resource" and self._take_word("existing")
        value = self._body() if self._take("=") else None
        if value is None and kind != "param":
            raise self._error(f"{name} has no value")
        return Declaration(kind, name, line, value, source, is_existing)

    def _body(self) -> Expression:
        """What a declaration, or a round of a loop, has: an expression, with a condition before it or not."""
        line = self._line()
        if not self._take_word("if"):
            return self._expression()
        self._must("(")
        test = self._expression()
        self._must(")")
        return Condition(line, test, self._expression())

    def _expression(self) -> Expression:
        line, test = self._line(), self._binary(0)
        if not self._take("?"):
            return test
        yes = self._expression()
        self._must(":")
        return Operation(line, "?", (test, yes, self._expression()))

    def _binary(self, level: int) -> Expression:
        if level == len(_LEVELS):
            return self._unary()
        line, left = self._line(), self._binary(level + 1)
        while sign := next((sign for sign in _LEVELS[level] if self._take(sign)), ""):
            left = Operation(line, sign, (left, self._binary(level + 1)))
        return left

    def _unary(self) -> Expression:
        line = self._line()
        for sign in ("!", "-"):
            if self._take(sign):
                return Operation(line, sign, (self._unary(),))
        value = self._primary()
        while True:
            if self._take("."):
                value = Member(line, value, Text(line, (self._word(),)))
            elif self._take("["):
                value = Member(line, value, self._expression())
                self._must("]")
            else:
                return value

    def _primary(self) -> Expression:
        self._skip()
        line = self._line()
        if self._text.startswith("'", self._at):
            return self._string()
        if self._take("["):
            return self._loop(line) if self._take_word("for") else Array(line, tuple(self._listed("]", self._expression)))
        if self._take("{"):
            return Object(line, tuple(self._listed("}", self._property)))
        if self._take("("):
            inner = self._expression()
            self._must(")")
            return inner
        if number := _NUMBER.match(self._text, self._at):
            self._at = number.end()
            return Constant(line, int(number[0]))
        word = self._word()
        if word in _CONSTANTS:
            return Constant(line, _CONSTANTS[word])
        if not self._take("("):
            return Name(line, word)
        arguments = list[Expression]()
        while not self._take(")"):
            if arguments:
                self._must(",")
            arguments.append(self._expression())
        return Call(line, word, tuple(arguments))

    def _loop(self, line: int) -> Loop:
        words = [self._word()] if not self._take("(") else [self._word(), self._after(",", self._word)]
        if len(words) > 1:
            self._must(")")
        if not self._take_word("in"):
            raise self._error("a loop without in")
        items = self._expression()
        self._must(":")
        body = self._body()
        self._must("]")
        return Loop(line, tuple(words), items, body)

    def _after(self, sign: str, read: Callable[[], T]) -> T:
        self._must(sign)
        return read()

    def _listed(self, end: str, read: Callable[[], T]) -> list[T]:
        """What stands on lines of its own until `end`."""
        found = list[T]()
        self._skip_lines()
        while not self._take(end):
            found.append(read())
            before = self._at
            self._skip_lines()
            if "\n" not in self._text[before : self._at] and not self._text.startswith(end, self._at):
                raise self._error("an item that does not end with its line")
        return found

    def _property(self) -> tuple[Expression, Expression]:
        self._skip()
        line = self._line()
        key = self._string() if self._text.startswith("'", self._at) else Text(line, (self._word(),))
        self._must(":")
        return key, self._expression()

    def _string(self) -> Text:
        line = self._line()
        if self._text.startswith("'''", self._at):
            begin = self._at + 3
            end = self._text.find("'''", begin)
            if end < 0:
                raise self._error("a text without an end")
            self._at = end + 3
            return Text(line, (self._text[begin:end].removeprefix("\n"),))
        self._at += 1
        pieces = list[str | Expression]()
        while not self._text.startswith("'", self._at):
            if self._text.startswith("${", self._at):
                self._at += 2
                pieces.append(self._expression())
                self._must("}")
            elif piece := _PIECE.match(self._text, self._at):
                self._at = piece.end()
                pieces.append(_ESCAPE.sub(_unescaped, piece[0]))
            else:
                raise self._error("a text without an end")
        self._at += 1
        return Text(line, tuple(pieces))

    def _plain_text(self) -> str:
        self._skip()
        pieces = self._string().pieces if self._text.startswith("'", self._at) else ()
        if len(pieces) != 1 or not isinstance(pieces[0], str):
            raise self._error("a type or file that is no plain text")
        return pieces[0]

    def _word(self) -> str:
        self._skip()
        match = _WORD.match(self._text, self._at)
        if match is None:
            raise self._error(f"{self._text[self._at : self._at + 20]!r} where a name is expected")
        self._at = match.end()
        return match[0]

    def _take_word(self, word: str) -> bool:
        self._skip()
        match = _WORD.match(self._text, self._at)
        if match is None or match[0] != word:
            return False
        self._at = match.end()
        return True

    def _take(self, sign: str) -> bool:
        self._skip()
        if not self._text.startswith(sign, self._at):
            return False
        self._at += len(sign)
        return True

    def _must(self, sign: str) -> None:
        if not self._take(sign):
            raise self._error(f"{self._text[self._at : self._at + 20]!r} where {sign} is expected")

    def _skip(self) -> None:
        if match := _SPACE.match(self._text, self._at):
            self._at = match.end()

    def _skip_lines(self) -> None:
        if match := _NEWLINES.match(self._text, self._at):
            self._at = match.end()

    def _line(self) -> int:
        return self._text.count("\n", 0, self._at) + 1

    def _error(self, what: str) -> NotUnderstood:
        return NotUnderstood(f"{self._name}:{self._line()}: {what}")


def _unescaped(match: re.Match[str]) -> str:
    return chr(int(match[2], 16)) if match[2] else _ESCAPED.get(match[1], match[1])
