"""Bicep files as data: parameters, outputs, modules, loaded files. Read with tree-sitter, without a compiler."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import tree_sitter
import tree_sitter_bicep

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LANGUAGE: Final = tree_sitter.Language(tree_sitter_bicep.language())
_RUNTIME_VALUE: Final = re.compile(r"\w+(?:\[\w+\])?\.(?:outputs|properties)\.\w+")
_INDEX: Final = re.compile(r"\[\w+\]")
"""The place of a module in a collection, as in identities[0].outputs.principalId."""
_LOADERS: Final = frozenset({"loadTextContent", "loadJsonContent", "loadFileAsBase64", "loadYamlContent"})


@dataclass(frozen=True, slots=True)
class Declaration:
    """A parameter or an output."""

    name: str
    line: int
    is_described: bool
    has_default: bool
    decorators: str


@dataclass(frozen=True, slots=True)
class Use:
    """A word with its place: a loaded file, a module's output (module.output), an identifier."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class ModuleCall:
    """A module as it is used: the file it names, its parameters, and those values known at run time only."""

    name: str
    file: str
    line: int
    arguments: frozenset[str]
    runtime_values: tuple[Use, ...]


class BicepFile:
    """One parsed file. `syntax_errors` has the places that are no Bicep; the rest is then incomplete."""

    def __init__(self, path: Path) -> None:
        self.path: Final = path
        self.text: Final = path.read_text(encoding="utf-8")
        self._root = tree_sitter.Parser(_LANGUAGE).parse(self.text.encode()).root_node
        nodes = list(_walk(self._root))
        self.syntax_errors = [_use(node) for node in nodes if node.type == "ERROR" or node.is_missing]
        self.parameters = {item.name: item for item in self._declared("parameter_declaration")}
        self.outputs = {item.name: item for item in self._declared("output_declaration")}
        self.variables = {_name(node): node for node in nodes if node.type == "variable_declaration"}
        self.modules = [_module(node) for node in nodes if node.type == "module_declaration"]
        self.loaded_files = [
            _loaded(node) for node in nodes if node.type == "call_expression" and _called(node) in _LOADERS
        ]
        self.output_uses = [use for node in nodes if (use := _output_use(node))]
        self.identifiers = [_use(node) for node in nodes if node.type == "identifier" and _is_reference(node)]
        self.resource_types = [
            Use(_text_of(node), node.start_point[0] + 1)
            for declaration in nodes
            if declaration.type == "resource_declaration"
            for node in declaration.children
            if node.type == "string"
        ]

    def object_keys(self, variable: str) -> list[str]:
        """Return the property names of the object that a variable holds, nested ones included, in order."""
        node = self.variables[variable]
        return [_key(child) for child in _walk(node) if child.type == "object_property"]

    def _declared(self, kind: str) -> Iterator[Declaration]:
        for node, decorators in _with_decorators(self._root):
            if node.type == kind:
                text = "\n".join(_source(item) for item in decorators)
                has_default = kind == "parameter_declaration" and any(child.type == "=" for child in node.children)
                yield Declaration(_name(node), node.start_point[0] + 1, "@description(" in text, has_default, text)


def read_templates(infrastructure: Path) -> dict[Path, BicepFile]:
    """Return the files that a deployment of the product is made of, without the samples."""
    paths = (infrastructure / "main.bicep", *sorted((infrastructure / "modules").glob("*.bicep")))
    return {path.resolve(): BicepFile(path) for path in paths}


def read_folder(folder: Path) -> dict[Path, BicepFile]:
    """Return every Bicep file below a folder, by its resolved path."""
    return {path.resolve(): BicepFile(path) for path in sorted(folder.rglob("*.bicep"))}


def _walk(node: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    yield node
    for child in node.children:
        yield from _walk(child)


def _with_decorators(root: tree_sitter.Node) -> Iterator[tuple[tree_sitter.Node, list[tree_sitter.Node]]]:
    pending: list[tree_sitter.Node] = []
    for node in root.children:
        if node.type == "decorators":
            pending.append(node)
        elif node.type != "comment":
            yield node, pending
            pending = []


def _is_reference(node: tree_sitter.Node) -> bool:
    """Tell the use of a name from a property that happens to have it."""
    parent = node.parent
    is_key = parent is not None and parent.type == "object_property" and parent.named_children[0] == node
    is_member = parent is not None and parent.type == "member_expression" and parent.named_children[0] != node
    return not (is_key or is_member)


def _source(node: tree_sitter.Node) -> str:
    return (node.text or b"").decode()


def _use(node: tree_sitter.Node) -> Use:
    return Use(_source(node), node.start_point[0] + 1)


def _name(node: tree_sitter.Node) -> str:
    return next((_source(child) for child in node.children if child.type in ("identifier", "primitive_type")), "")


def _text_of(node: tree_sitter.Node) -> str:
    return "".join(_source(child) for child in node.children if child.type in ("string_content", "interpolation"))


def _key(node: tree_sitter.Node) -> str:
    first = node.named_children[0]
    return _text_of(first) if first.type == "string" else _source(first)


def _called(node: tree_sitter.Node) -> str:
    return _source(node.children[0])


def _loaded(node: tree_sitter.Node) -> Use:
    first = next((child for child in _walk(node) if child.type == "string"), None)
    return Use(_text_of(first) if first else "", node.start_point[0] + 1)


def _module(node: tree_sitter.Node) -> ModuleCall:
    file = next((_text_of(child) for child in node.children if child.type == "string"), "")
    body = next(child for child in _walk(node) if child.type == "object")
    arguments: frozenset[str] = frozenset()
    runtime_values: tuple[Use, ...] = ()
    for item in body.children:
        if item.type == "object_property" and _key(item) == "params":
            values = next((child for child in item.children if child.type == "object"), None)
            properties = [child for child in values.children if child.type == "object_property"] if values else []
            arguments = frozenset(_key(child) for child in properties)
            members = (child for child in _walk(item) if child.type == "member_expression")
            runtime_values = tuple(_use(child) for child in members if _RUNTIME_VALUE.fullmatch(_source(child)))
    return ModuleCall(_name(node), file, node.start_point[0] + 1, arguments, runtime_values)


def _output_use(node: tree_sitter.Node) -> Use | None:
    """Return module.output for an expression `module.outputs.output`."""
    words = _INDEX.sub("", _source(node)).split(".")
    if node.type == "member_expression" and len(words) == 3 and words[1] == "outputs":  # noqa: PLR2004
        return Use(f"{words[0]}.{words[2]}", node.start_point[0] + 1)
    return None
