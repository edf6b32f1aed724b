"""The part of OData that policy state queries use: `$filter` with eq, ne, and, or, not and parentheses; `$select`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.errors import RefusedError, not_implemented

Document = Mapping[str, Any]
Predicate = Callable[[Document], bool]

_TOKEN = re.compile(r"\s*(?:(?P<string>'(?:[^']|'')*')|(?P<mark>[(),])|(?P<word>[^\s()',]+))")
_NOT_IMPLEMENTED = frozenset({"gt", "ge", "lt", "le", "has", "in", "add", "sub", "mul", "div", "mod"})


def parse_filter(text: str, fields: Mapping[str, str], *, ignore_case: bool) -> Predicate:
    """A function that tells whether a state passes the filter.

    Args:
        text: the decoded value of `$filter`.
        fields: the names that can be compared, lower-cased, with their spelling in a state. Azure takes field names in
            any casing.
        ignore_case: whether string values are compared without regard to case; Azure does not document which it is.

    Raises:
        RefusedError: 400 for a malformed filter or unknown field, 501 for an operator that the sandbox does not have.
    """
    return _Parser(text, fields, ignore_case=ignore_case).parse()


def parse_select(text: str, fields: Mapping[str, str]) -> frozenset[str]:
    """The spelling in a state of every field that `$select` names; raises RefusedError 400 for unknown ones."""
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name.lower() not in fields]
    if unknown:
        raise RefusedError(400, "InvalidSelectInQueryString", f"Unknown fields in $select: {', '.join(unknown)}")
    return frozenset(fields[name.lower()] for name in names)


class _Parser:
    def __init__(self, text: str, fields: Mapping[str, str], *, ignore_case: bool) -> None:
        self._fields = fields
        self._ignore_case = ignore_case
        self._tokens = _tokens(text)
        self._at = 0

    def parse(self) -> Predicate:
        predicate = self._alternatives()
        if self._at != len(self._tokens):
            raise _invalid(f"unexpected '{self._tokens[self._at]}'")
        return predicate

    def _alternatives(self) -> Predicate:
        predicate = self._conjunction()
        while self._take_word("or"):
            predicate = _either(predicate, self._conjunction())
        return predicate

    def _conjunction(self) -> Predicate:
        predicate = self._term()
        while self._take_word("and"):
            predicate = _both(predicate, self._term())
        return predicate

    def _term(self) -> Predicate:
        if self._take_word("not"):
            return _negated(self._term())
        if self._take_word("("):
            predicate = self._alternatives()
            if not self._take_word(")"):
                raise _invalid("a parenthesis is not closed")
            return predicate
        return self._comparison()

    def _comparison(self) -> Predicate:
        field, operator, literal = self._next(), self._next().lower(), self._next()
        if literal == "(" or operator == "(":
            raise not_implemented(f"functions in $filter ('{field}')")
        if operator in _NOT_IMPLEMENTED:
            raise not_implemented(f"'{operator}' in $filter")
        if operator not in {"eq", "ne"}:
            raise _invalid(f"'{operator}' is no operator")
        if field.lower() not in self._fields:
            raise _invalid(f"unknown field '{field}'")
        equal = self._equality(self._fields[field.lower()], literal)
        return equal if operator == "eq" else _negated(equal)

    def _equality(self, field: str, literal: str) -> Predicate:
        if literal.startswith("'"):
            wanted = literal[1:-1].replace("''", "'")
            if self._ignore_case:
                folded = wanted.lower()
                return lambda state: isinstance(value := state.get(field), str) and value.lower() == folded
            return lambda state: state.get(field) == wanted
        constants: dict[str, bool | None] = {"true": True, "false": False, "null": None}
        if literal.lower() not in constants:
            raise _invalid(f"'{literal}' is neither a quoted string nor true, false or null")
        constant = constants[literal.lower()]
        return lambda state: state.get(field) is constant

    def _next(self) -> str:
        if self._at >= len(self._tokens):
            raise _invalid("it ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _take_word(self, word: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at].lower() == word:
            self._at += 1
            return True
        return False


def _tokens(text: str) -> list[str]:
    tokens, at = [], 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if found is None:
            raise _invalid(f"cannot be read at position {at}")
        tokens.append(found[0].strip())
        at = found.end()
    return tokens


def _both(left: Predicate, right: Predicate) -> Predicate:
    return lambda state: left(state) and right(state)


def _either(left: Predicate, right: Predicate) -> Predicate:
    return lambda state: left(state) or right(state)


def _negated(inner: Predicate) -> Predicate:
    return lambda state: not inner(state)


def _invalid(why: str) -> RefusedError:
    return RefusedError(400, "InvalidFilterInQueryString", f"Invalid $filter: {why}.")
