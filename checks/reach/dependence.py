"""What rights hang on: of the parameters, only those that checks/reach/scenarios.py varies may decide about them.

A right that waits for another parameter, or for the cloud, is in none of the deployments that are compared.
"""

from __future__ import annotations

from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING, Final

from checks.reach.other_ways import DECIDING
from checks.reach.rights import ROLE_ASSIGNMENT
from checks.templates.parser import read
from checks.templates.syntax import Call, Condition, Declaration, Expression, Loop, Name, Object, Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

Origins = frozenset[str]
"""Names of parameters of main.bicep, and `environment()`."""

_NONE: Final[Origins] = frozenset()
_HEAD: Final = ("name", "parent", "scope")
_GROUPS: Final = "Microsoft.Resources/resourceGroups"


def undecided(infrastructure: Path, varied: Origins) -> Iterator[str]:
    """Yield a line for each right, and each module, that hangs on something else than the `varied` parameters."""
    path = infrastructure / "main.bicep"
    given = {one.name: frozenset({one.name}) for one in read(path) if one.kind == "param"}
    yield from dict.fromkeys(_File(path, given, _NONE).undecided(varied))


class _File:
    """A file with what the values of its parameters hang on, and what it hangs on that the file is deployed at all."""

    def __init__(self, path: Path, given: Mapping[str, Origins], deployed: Origins) -> None:
        self._path, self._given, self._deployed = path, given, deployed
        self._declared = {one.name: one for one in read(path) if one.kind != "output"}
        self._known: dict[str, Origins] = {}

    def undecided(self, varied: Origins) -> Iterator[str]:
        for one in self._declared.values():
            if one.kind == "module":
                yield from self._of_module(one, varied)
            elif one.kind == "resource" and not one.is_existing:
                others = ", ".join(sorted(self._of_right(one) - varied))
                if others:
                    yield f"{self._path.name}:{one.line}: {one.name} hangs on {others}: not all of it is judged"

    def _of_module(self, one: Declaration, varied: Origins) -> Iterator[str]:
        local, body, deployed = self._opened(one)
        properties = _properties(body)
        scope = properties.get("scope")
        if scope is not None and not self._is_group(scope):
            yield f"{self._path.name}:{one.line}: {one.name} is deployed elsewhere than into the resource group"
        params = properties.get("params")
        given = {name: self._of(value, local) for name, value in _properties(params).items()}
        yield from _File(self._path.parent / one.source, given, deployed).undecided(varied)

    def _is_group(self, scope: Expression) -> bool:
        declared = self._declared.get(scope.name) if isinstance(scope, Name) else None
        return declared is not None and declared.source.partition("@")[0] == _GROUPS and not declared.is_existing

    def _of_right(self, one: Declaration) -> Origins:
        """What a role assignment hangs on; of another resource, what decides without a role who gets in."""
        local, body, deployed = self._opened(one)
        if one.source.partition("@")[0].lower() == ROLE_ASSIGNMENT.lower():
            return deployed | self._of(body, local)
        return self._together(_deciding(body), local)

    def _opened(self, one: Declaration) -> tuple[Mapping[str, Origins], Expression | None, Origins]:
        """What the variables of its loop hang on, its body, and what it hangs on that there is one, or how many."""
        body, local, deployed = one.value, dict[str, Origins](), self._deployed
        if isinstance(body, Loop):
            items = self._of(body.items, {})
            local, deployed, body = dict.fromkeys(body.words, items), deployed | items, body.body
        if isinstance(body, Condition):
            deployed, body = deployed | self._of(body.test, local), body.body
        return local, body, deployed

    def _of(self, expression: Expression | None, local: Mapping[str, Origins]) -> Origins:
        if isinstance(expression, Name):
            return local[expression.name] if expression.name in local else self._named(expression.name)
        if isinstance(expression, Call) and expression.function == "uniqueString":
            return _NONE  # a name and nothing else
        if isinstance(expression, Loop):
            items = self._of(expression.items, local)
            return items | self._of(expression.body, {**local, **dict.fromkeys(expression.words, items)})
        here = (
            frozenset({"environment()"})
            if isinstance(expression, Call) and expression.function == "environment"
            else _NONE
        )
        return here | self._together(_parts(expression), local)

    def _together(self, parts: Iterator[Expression], local: Mapping[str, Origins]) -> Origins:
        return _NONE.union(*map(partial(self._of, local=local), parts))

    def _named(self, name: str) -> Origins:
        if name not in self._known:
            one = self._declared[name]
            if one.kind == "param" and name in self._given:
                self._known[name] = self._given[name]
            elif one.kind == "resource":
                local, body, _ = self._opened(one)
                head = (value for key, value in _properties(body).items() if key in _HEAD)
                self._known[name] = self._together(head, local)
            else:
                self._known[name] = self._of(one.value, {})
        return self._known[name]


def _parts(expression: object) -> Iterator[Expression]:
    """The expressions that an expression consists of."""
    values = [getattr(expression, one.name) for one in fields(expression)] if isinstance(expression, Expression) else []
    while values:
        value = values.pop()
        if isinstance(value, Expression):
            yield value
        elif isinstance(value, tuple):
            values.extend(value)


def _properties(body: Expression | None) -> dict[str, Expression]:
    if not isinstance(body, Object):
        return {}
    keys = [(key.pieces, value) for key, value in body.properties if isinstance(key, Text)]
    return {str(pieces[0]): value for pieces, value in keys if len(pieces) == 1}


def _deciding(body: Expression | None) -> Iterator[Expression]:
    """The values, at any depth, of properties that decide without a role who gets in."""
    for name, value in _properties(body).items():
        if name in DECIDING:
            yield value
    for part in _parts(body):
        yield from _deciding(part)
