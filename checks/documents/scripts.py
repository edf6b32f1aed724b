"""Shell outside the documents: workflows, recipes of the Makefile, hooks, scripts, and commands in messages."""

from __future__ import annotations

import ast
import json
import re
from typing import TYPE_CHECKING, Any, Final

import yaml

from infra.hooks.package import project_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_EXPRESSION: Final = re.compile(r"\$\{\{.*?\}\}")
_RECIPE: Final = re.compile(r"^\t[@+-]*(.*(?:\\\n.*)*)$", re.MULTILINE)
_COMMAND: Final = re.compile(r"\b(?:azd|az|gh|curl|docker|pip3?|python3? -m pip|npm|npx) [a-z-][^\n;`]*")
_OF_MAKE: Final = re.compile(r"\$\((\w+)\)")


def scripts(project: Path) -> Iterator[tuple[str, str]]:
    """Yield a label and the text of everything that a shell runs, with what others fill in beforehand as a word."""
    for name in project_files(project):
        path = project / name
        if re.fullmatch(r"\.github/(?:workflows/[^/]+|actions/.*/action)\.ya?ml", name) or name == "azure.yaml":
            for label, text in _runs(yaml.safe_load(path.read_text(encoding="utf-8")), name):
                yield label, _EXPRESSION.sub("expression", text)
        elif name == "Makefile":
            for recipe in _RECIPE.findall(path.read_text(encoding="utf-8")):
                yield name, _OF_MAKE.sub(r"\1", recipe).replace("$$", "$")
        elif name.startswith(".devcontainer/") and name.endswith("devcontainer.json"):
            commands: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            yield from ((f"{name}: {key}", str(text)) for key, text in commands.items() if key.endswith("Command"))
        elif name.endswith(".sh") or (not path.suffix and path.read_bytes()[:2] == b"#!"):
            yield name, path.read_text(encoding="utf-8")


def messages(project: Path) -> Iterator[tuple[str, str]]:
    """Yield file and line, and the text of each command in a message of our own programs."""
    for name in project_files(project):
        if not name.endswith(".py") or name.startswith(("tests/", "bench/", "checks/documents/")):
            continue
        nodes = list(ast.walk(ast.parse((project / name).read_text(encoding="utf-8"))))
        parts = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in nodes:
            if id(node) in parts:
                continue
            if isinstance(node, ast.JoinedStr):
                text = "".join(str(part.value) if isinstance(part, ast.Constant) else "$VALUE" for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value
            else:
                continue
            yield from ((f"{name}:{node.lineno}", command) for command in _COMMAND.findall(text))


def secrets_of_github(project: Path) -> Iterator[str]:
    """Yield a line for every step whose script GitHub fills a secret into: it belongs into the step's environment."""
    for path in sorted((project / ".github").rglob("*.y*ml")):
        for label, text in _runs(yaml.safe_load(path.read_text(encoding="utf-8")), path.name):
            if any("secrets." in expression for expression in _EXPRESSION.findall(text)):
                yield f"{label}: a secret becomes part of the script: give it through the step's env"


def _runs(part: Any, label: str) -> Iterator[tuple[str, str]]:
    """Everything under a key `run`, with the name of the step or hook."""
    if isinstance(part, dict):
        here = f"{label}: {part['name']}" if isinstance(part.get("name"), str) and "run" in part else label
        for key, value in part.items():
            if key == "run" and isinstance(value, str):
                yield here, value
            else:
                yield from _runs(value, label)
    elif isinstance(part, list):
        for item in part:
            yield from _runs(item, label)
