"""Deploys the templates in memory: `deploy` returns every resource of a deployment with given parameters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from checks.templates.evaluation import Evaluation, Locals
from checks.templates.functions import GROUP_ID, SUBSCRIPTION_ID, resource_id
from checks.templates.parser import read
from checks.templates.syntax import Condition, Declaration, Expression, Loop, NotUnderstood, Object, Text
from checks.templates.values import ModuleResult, Resource

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

INFRASTRUCTURE: Final = Path(__file__).resolve().parents[2] / "infra"
_HEAD: Final = ("name", "parent", "scope")


@dataclass(frozen=True, slots=True)
class Deployment:
    """What a deployment makes, in the order of the files, and the outputs of its main template."""

    resources: tuple[Resource, ...]
    outputs: Mapping[str, Any]

    def of_type(self, kind: str) -> list[Resource]:
        """Return the resources of a type, whatever its case, as ARM compares it."""
        return [resource for resource in self.resources if resource.type.lower() == kind.lower()]


def deploy(parameters: Mapping[str, Any], infrastructure: Path = INFRASTRUCTURE) -> Deployment:
    """Return the deployment of main.bicep with these parameters, and with its own defaults for all others.

    Raises:
        NotUnderstood: the templates have something that cannot be read or computed here.
    """
    made = list[Resource]()
    outputs = _File((infrastructure / "main.bicep").resolve(), parameters, made.append).deploy()
    return Deployment(tuple(made), outputs)


class _File:
    """One file of a deployment, with values for its parameters. What it declares is computed when first asked for."""

    def __init__(self, path: Path, arguments: Mapping[str, Any], made: Callable[[Resource], None]) -> None:
        self._path, self._arguments, self._made = path, arguments, made
        self._values, self._pending = dict[str, Any](), set[str]()
        self._evaluation = Evaluation(path, self._value)
        try:
            declarations = read(path)
        except OSError as error:
            raise NotUnderstood(f"{path.name}: {error.strerror}") from error
        self._declared = {one.name: one for one in declarations if one.kind != "output"}
        self._outputs = {one.name: one for one in declarations if one.kind == "output"}

    def deploy(self) -> dict[str, Any]:
        """Make everything that the file declares; return its outputs."""
        for name in self._arguments:
            if name not in self._declared or self._declared[name].kind != "param":
                raise NotUnderstood(f"{self._path.name}: there is no parameter {name}")
        for name in self._declared:
            self._value(name)
        return {name: self._computed(one, {}) for name, one in self._outputs.items()}

    def _value(self, name: str) -> Any:
        if name not in self._values:
            declaration = self._declared.get(name)
            if declaration is None or name in self._pending:
                raise NotUnderstood(f"{self._path.name}: {name} is not declared, or in terms of itself")
            self._pending.add(name)
            make = {"param": self._parameter, "var": self._computed, "resource": self._each, "module": self._each}
            self._values[name] = make[declaration.kind](declaration, {})
        return self._values[name]

    def _parameter(self, declaration: Declaration, local: Locals) -> Any:
        if declaration.name in self._arguments:
            return self._arguments[declaration.name]
        return self._computed(declaration, local)

    def _computed(self, declaration: Declaration, local: Locals) -> Any:
        if declaration.value is None:
            raise self._evaluation.not_understood(declaration.line, f"nobody gives {declaration.name} a value")
        return self._evaluation.value(declaration.value, local)

    def _each(self, declaration: Declaration, local: Locals) -> Any:
        """Make what a declaration says: one, or one for each round of a loop."""
        if isinstance(declaration.value, Loop):
            rounds = self._evaluation.rounds(declaration.value, local)
            return [self._one(declaration, body, inner) for body, inner in rounds]
        return self._one(declaration, declaration.value, local)

    def _one(self, declaration: Declaration, body: Expression | None, local: Locals) -> Any:
        is_wanted = True
        if isinstance(body, Condition):
            is_wanted, body = self._evaluation.truth(body.test, local), body.body
        if not isinstance(body, Object):
            raise self._evaluation.not_understood(declaration.line, f"{declaration.name} is no object")
        make = self._resource if declaration.kind == "resource" else self._module
        return make(declaration, body, local, is_wanted=is_wanted)

    def _resource(self, declaration: Declaration, body: Object, local: Locals, *, is_wanted: bool) -> Resource:
        kind = declaration.source.partition("@")[0]
        head = {name: self._evaluation.value(value, local) for name, value in _named(body, _HEAD).items()}
        scope = head.get("scope")
        try:
            own_id = _id(kind, head["name"], head.get("parent"), scope)
        except (AttributeError, KeyError, ValueError) as error:
            raise self._evaluation.not_understood(
                declaration.line, f"{declaration.name} has no id: {error!r}"
            ) from error
        place = (self._path, declaration.line, declaration.is_existing, scope)
        if declaration.is_existing or not is_wanted:
            return Resource(kind, head["name"], own_id, *place)
        resource = Resource(kind, head["name"], own_id, *place, self._evaluation.value(body, local))
        self._made(resource)
        return resource

    def _module(self, declaration: Declaration, body: Object, local: Locals, *, is_wanted: bool) -> ModuleResult:
        if not is_wanted:
            return ModuleResult({})
        given = _named(body, ("params",))
        arguments = self._evaluation.value(given["params"], local) if given else {}
        return ModuleResult(_File((self._path.parent / declaration.source).resolve(), arguments, self._made).deploy())


def _named(body: Object, names: tuple[str, ...]) -> dict[str, Expression]:
    """The properties of these names; a name that is put together is none of them."""
    keys = [(key.pieces, value) for key, value in body.properties if isinstance(key, Text)]
    return {str(pieces[0]): value for pieces, value in keys if len(pieces) == 1 and pieces[0] in names}


def _id(kind: str, name: str, parent: Resource | None, scope: Any) -> str:
    if parent is not None:
        return f"{parent.id}/{kind.rsplit('/', 1)[1]}/{name}"
    if kind == "Microsoft.Resources/resourceGroups":
        return f"{SUBSCRIPTION_ID}/resourceGroups/{name}"
    return resource_id(scope.id if isinstance(scope, Resource) else GROUP_ID, kind, name.split("/"))
