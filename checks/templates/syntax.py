"""What a Bicep file consists of: declarations, and the expressions in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


class NotUnderstood(ValueError):  # noqa: N818 - says what became of the template, not that something broke
    """A template has something that cannot be read or computed here. The message begins with file and line."""


@dataclass(frozen=True, slots=True)
class Expression:
    """Any expression; `line` is where it begins."""

    line: int


@dataclass(frozen=True, slots=True)
class Constant(Expression):
    """A number, true, false or null."""

    value: int | bool | None


@dataclass(frozen=True, slots=True)
class Text(Expression):
    """A text of pieces: texts as they are, and expressions that are put in."""

    pieces: tuple[str | Expression, ...]


@dataclass(frozen=True, slots=True)
class Name(Expression):
    """The name of a parameter, variable, resource, module, or of what a loop is about."""

    name: str


@dataclass(frozen=True, slots=True)
class Member(Expression):
    """A member of a value, by its name or by an expression: `holder.name`, `holder[index]`."""

    holder: Expression
    index: Expression


@dataclass(frozen=True, slots=True)
class Call(Expression):
    """The call of a function."""

    function: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Operation(Expression):
    """An operator with what stands around it: one operand (`!`, `-`), two, or three (`?`)."""

    operator: str
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Array(Expression):
    """A list."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Object(Expression):
    """An object, its properties in order."""

    properties: tuple[tuple[Expression, Expression], ...]


@dataclass(frozen=True, slots=True)
class Loop(Expression):
    """One body for each of some items; `words` names the item and, where it is wanted, its position."""

    words: tuple[str, ...]
    items: Expression
    body: Expression


@dataclass(frozen=True, slots=True)
class Condition(Expression):
    """A body that counts only if something holds: of a resource or a module."""

    test: Expression
    body: Expression


@dataclass(frozen=True, slots=True)
class Declaration:
    """A declaration. `kind` is param, var, resource, module or output; `source` is the type or file that it names.

    `value` is what stands after the equals sign, None for a parameter without a default.
    """

    kind: str
    name: str
    line: int
    value: Expression | None
    source: str = ""
    is_existing: bool = False


def described(value: Any) -> str:
    """Return a value for a message, cut."""
    text = repr(value)
    return text if len(text) < 100 else f"{text[:97]}..."  # noqa: PLR2004
