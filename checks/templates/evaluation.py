"""Computes expressions. What cannot be computed before Azure is asked, or is not known here, is NotUnderstood."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from checks.templates.functions import functions
from checks.templates.syntax import (
    Array,
    Call,
    Constant,
    Expression,
    Loop,
    Member,
    Name,
    NotUnderstood,
    Object,
    Operation,
    Text,
    described,
)
from checks.templates.values import AtRuntime, ModuleResult, Resource

if TYPE_CHECKING:
    from pathlib import Path

_OPERATORS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.floordiv,
    "%": operator.mod,
}
_FROM_AZURE: Final = ("properties", "identity")
"""Members of a resource that Azure fills in during the deployment."""

Locals = Mapping[str, Any]


class Evaluation:
    """Computes expressions of one file. `names` looks up what it declares: parameter, variable, resource, module."""

    def __init__(self, path: Path, names: Callable[[str], Any]) -> None:
        self._file, self._names = path.name, names
        self._functions = functions(path.parent)
        self._kinds: Mapping[type[Expression], Callable[[Any, Locals], Any]] = {
            Constant: lambda expression, _: expression.value,
            Text: self._text,
            Name: self._name,
            Member: self._member,
            Call: self._call,
            Operation: self._operation,
            Array: lambda expression, local: [self.value(item, local) for item in expression.items],
            Object: self._object,
            Loop: lambda expression, local: [self.value(body, inner) for body, inner in self.rounds(expression, local)],
        }

    def value(self, expression: Expression, local: Locals | None = None) -> Any:
        """Return the value of an expression; `local` has the variables of the loops around it."""
        compute = self._kinds.get(type(expression))
        if compute is None:
            raise self.not_understood(expression.line, f"a {type(expression).__name__.lower()} stands where it cannot")
        try:
            return compute(expression, local or {})
        except NotUnderstood:
            raise
        except (AttributeError, IndexError, KeyError, OSError, TypeError, ValueError) as error:
            raise self.not_understood(expression.line, f"cannot be computed: {error!r}") from error

    def truth(self, expression: Expression, local: Locals | None = None) -> bool:
        """Return the value of a condition, which must be true or false before Azure is asked."""
        value = self.value(expression, local)
        if not isinstance(value, bool):
            raise self.not_understood(expression.line, f"the condition is {described(value)}, neither true nor false")
        return value

    def rounds(self, loop: Loop, local: Locals) -> list[tuple[Expression, Locals]]:
        """Return the body of a loop with the variables of each of its rounds."""
        items = self.value(loop.items, local)
        if not isinstance(items, list):
            raise self.not_understood(loop.line, f"a loop over {described(items)}")
        return [
            (loop.body, {**local, **dict(zip(loop.words, (item, index), strict=False))})
            for index, item in enumerate(items)
        ]

    def not_understood(self, line: int, what: str) -> NotUnderstood:
        """Return the error about a line of the file."""
        return NotUnderstood(f"{self._file}:{line}: {what}")

    def _text(self, expression: Text, local: Locals) -> str:
        pieces = expression.pieces
        return "".join(piece if isinstance(piece, str) else _as_text(self.value(piece, local)) for piece in pieces)

    def _name(self, expression: Name, local: Locals) -> Any:
        return local[expression.name] if expression.name in local else self._names(expression.name)

    def _object(self, expression: Object, local: Locals) -> dict[str, Any]:
        return {self.value(key, local): self.value(value, local) for key, value in expression.properties}

    def _call(self, expression: Call, local: Locals) -> Any:
        if expression.function not in self._functions:
            raise self.not_understood(expression.line, f"the function {expression.function} is not known")
        return self._functions[expression.function](*(self.value(item, local) for item in expression.arguments))

    def _operation(self, expression: Operation, local: Locals) -> Any:
        first, *rest = expression.operands
        sign = expression.operator
        if sign == "?":
            return self.value(rest[0 if self.truth(first, local) else 1], local)
        if sign == "!":
            return not self.truth(first, local)
        if not rest:
            return -self.value(first, local)
        if sign in ("&&", "||"):
            left = self.truth(first, local)
            return self.truth(rest[0], local) if left is (sign == "&&") else left
        values = self.value(first, local), self.value(rest[0], local)
        if any(isinstance(value, AtRuntime) for value in values):
            raise self.not_understood(expression.line, f"{values} are known during the deployment only")
        return _OPERATORS[sign](*values)

    def _member(self, expression: Member, local: Locals) -> Any:
        holder, index = self.value(expression.holder, local), self.value(expression.index, local)
        if isinstance(holder, Resource):
            own = {"id": holder.id, "name": holder.name, "type": holder.type}
            return AtRuntime.of(holder, index) if index in _FROM_AZURE else own[index]
        if isinstance(holder, AtRuntime):
            return AtRuntime.of(holder.resource, f"{holder.path}.{index}")
        return {"outputs": holder.outputs}[index] if isinstance(holder, ModuleResult) else holder[index]


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int):
        return str(value)
    raise TypeError(f"{described(value)} is no text")
