"""Reads a Bicep file. Understood is what the templates use, that is the language of Bicep 0.9; the rest is an error."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final, TypeVar

from checks.templates.cursor import Cursor
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
    Object,
    Operation,
    Text,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")

_NUMBER: Final = re.compile(r"\d+")
_PLAIN: Final = re.compile(r"(?:[^'\\$\n]|\$(?!\{)|\\.)+")
_PUT_IN: Final = re.compile(r"\$\{")
_END: Final = re.compile(r"'")
_RAW: Final = re.compile(r"\n?(.*?)'''", re.DOTALL)
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
        self._at = Cursor(name, text)

    def file(self) -> list[Declaration]:
        found = list[Declaration]()
        self._at.new_line()
        while not self._at.is_at_end():
            if self._at.take("@"):
                self._expression()
            elif (word := self._at.word()) == "targetScope":
                self._at.must("=")
                self._expression()
            else:
                found.append(self._declaration(word))
            self._at.new_line()
        return found

    def _declaration(self, kind: str) -> Declaration:
        line = self._at.line()
        if kind not in ("param", "var", "resource", "module", "output"):
            raise self._at.error(f"{kind} begins no declaration that is known")
        name, source, is_existing = self._at.word(), "", False
        if kind in ("param", "output"):
            source = self._at.word()
        elif kind != "var":
            source = self._plain_text()
            is_existing = kind == "resource" and self._at.take_word("existing")
        value = self._body() if self._at.take("=") else None
        if value is None and kind != "param":
            raise self._at.error(f"{name} has no value")
        return Declaration(kind, name, line, value, source, is_existing)

    def _body(self) -> Expression:
        """What a declaration, or a round of a loop, has: an expression, with a condition before it or not."""
        line = self._at.line()
        if not self._at.take_word("if"):
            return self._expression()
        self._at.must("(")
        test = self._expression()
        self._at.must(")")
        return Condition(line, test, self._expression())

    def _expression(self) -> Expression:
        line, test = self._at.line(), self._binary(0)
        if not self._at.take("?"):
            return test
        yes = self._expression()
        self._at.must(":")
        return Operation(line, "?", (test, yes, self._expression()))

    def _binary(self, level: int) -> Expression:
        if level == len(_LEVELS):
            return self._unary()
        line, left = self._at.line(), self._binary(level + 1)
        while sign := next((sign for sign in _LEVELS[level] if self._at.take(sign)), ""):
            left = Operation(line, sign, (left, self._binary(level + 1)))
        return left

    def _unary(self) -> Expression:
        line = self._at.line()
        for sign in ("!", "-"):
            if self._at.take(sign):
                return Operation(line, sign, (self._unary(),))
        value = self._primary()
        while True:
            if self._at.take("."):
                value = Member(line, value, Text(line, (self._at.word(),)))
            elif self._at.take("["):
                value = Member(line, value, self._expression())
                self._at.must("]")
            else:
                return value

    def _primary(self) -> Expression:
        line = self._at.line()
        if self._at.is_at("'"):
            return self._string()
        if self._at.is_at("[", "{", "("):
            return self._bracketed(line)
        if number := self._at.match(_NUMBER):
            return Constant(line, int(number[0]))
        word = self._at.word()
        if word in _CONSTANTS:
            return Constant(line, _CONSTANTS[word])
        return self._call(line, word) if self._at.take("(") else Name(line, word)

    def _bracketed(self, line: int) -> Expression:
        if self._at.take("["):
            if self._at.take_word("for"):
                return self._loop(line)
            return Array(line, tuple(self._listed("]", self._expression)))
        if self._at.take("{"):
            return Object(line, tuple(self._listed("}", self._property)))
        self._at.must("(")
        inner = self._expression()
        self._at.must(")")
        return inner

    def _call(self, line: int, function: str) -> Call:
        arguments = list[Expression]()
        while not self._at.take(")"):
            if arguments:
                self._at.must(",")
            arguments.append(self._expression())
        return Call(line, function, tuple(arguments))

    def _loop(self, line: int) -> Loop:
        if self._at.take("("):
            words = [self._at.word()]
            self._at.must(",")
            words.append(self._at.word())
            self._at.must(")")
        else:
            words = [self._at.word()]
        if not self._at.take_word("in"):
            raise self._at.error("a loop without in")
        items = self._expression()
        self._at.must(":")
        body = self._body()
        self._at.must("]")
        return Loop(line, tuple(words), items, body)

    def _listed(self, end: str, read: Callable[[], T]) -> list[T]:
        """What stands on lines of its own until `end`."""
        found = list[T]()
        self._at.new_line()
        while not self._at.take(end):
            found.append(read())
            if not self._at.new_line() and not self._at.is_at(end):
                raise self._at.error("an item that does not end with its line")
        return found

    def _property(self) -> tuple[Expression, Expression]:
        line = self._at.line()
        key = self._string() if self._at.is_at("'") else Text(line, (self._at.word(),))
        self._at.must(":")
        return key, self._expression()

    def _string(self) -> Text:
        line = self._at.line()
        if self._at.take("'''"):
            raw = self._at.match(_RAW, skip=False)
            if raw is None:
                raise self._at.error("a text without an end")
            return Text(line, (raw[1],))
        self._at.must("'")
        pieces = list[str | Expression]()
        while True:
            if piece := self._at.match(_PLAIN, skip=False):
                pieces.append(_ESCAPE.sub(_unescaped, piece[0]))
            elif self._at.match(_PUT_IN, skip=False):
                pieces.append(self._expression())
                self._at.must("}")
            elif self._at.match(_END, skip=False):
                return Text(line, tuple(pieces))
            else:
                raise self._at.error("a text without an end")

    def _plain_text(self) -> str:
        pieces = self._string().pieces if self._at.is_at("'") else ()
        if len(pieces) != 1 or not isinstance(pieces[0], str):
            raise self._at.error("a type or file that is no plain text")
        return pieces[0]


def _unescaped(match: re.Match[str]) -> str:
    return chr(int(match[2], 16)) if match[2] else _ESCAPED.get(match[1], match[1])
