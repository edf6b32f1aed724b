"""The template's parameters from the environment: main.parameters.json, resolved, and checked as Bicep will check it.

`python -m infra.hooks.parameters FILE` writes what `az deployment` takes; azd resolves the same file by itself.
The constraints are read from main.bicep: they are written once.
"""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from infra.hooks.run import HookError, run_hook

if TYPE_CHECKING:
    from collections.abc import Mapping

INFRA: Final = Path(__file__).resolve().parent.parent
TEMPLATE: Final = INFRA / "main.bicep"
PARAMETERS_FILE: Final = INFRA / "main.parameters.json"

EMPTY: Final = '""'
"""The empty text, as every shell takes it."""

_PARAMETER: Final = re.compile(r"((?:^@.*\n(?:^  .*\n|^[\]}]\)\n)*)*)^param (\w+) (\w+)( =)?", re.MULTILINE)
_ALLOWED: Final = re.compile(r"@allowed\(\[\n(.*?)\n\]\)", re.DOTALL)
_LIMIT: Final = re.compile(r"@(minLength|maxLength|minValue|maxValue)\((-?\d+)\)")
_VARIABLE: Final = re.compile(r"\$\$|\$\{(\w+)(?:=([^}]*))?\}")
"""A variable with an optional default; a doubled dollar sign stands for itself, as in azd."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """One parameter as main.bicep declares it."""

    name: str
    type: str
    has_default: bool
    allowed: tuple[str, ...] = ()
    limits: Mapping[str, int] = field(default_factory=dict)


def declarations(template: Path = TEMPLATE) -> dict[str, Declaration]:
    """Return the parameters that the template declares, by name."""
    found = {}
    for decorators, name, kind, default in _PARAMETER.findall(template.read_text(encoding="utf-8")):
        listed = _ALLOWED.search(decorators)
        allowed = tuple(line.strip().strip("'") for line in listed[1].splitlines()) if listed else ()
        limits = {limit: int(value) for limit, value in _LIMIT.findall(decorators)}
        found[name] = Declaration(name, kind, bool(default), allowed, limits)
    return found


def variables_of(name: str, parameters_file: Path = PARAMETERS_FILE) -> str:
    """Return the environment variable that feeds a parameter, for messages; the parameter's own name when none does."""
    match = _VARIABLE.search(json.dumps(_entries(parameters_file).get(name, {})))
    return match[1] or name if match else name


def label(name: str) -> str:
    """Return how messages call a parameter: its name and its environment variable."""
    return f"{name} ({variables_of(name)})"


def refusal(name: str, message: str, value: str) -> str:
    """Return the line that says what is wrong with a parameter, and the command that gives it another value.

    An empty value takes the parameter back to its default.
    """
    variable = variables_of(name)
    value = f'"{value}"' if " " in value and not value.startswith("<") else value
    if os.environ.get("GITHUB_ACTIONS"):
        environment = os.environ.get("AZURE_ENV_NAME", "<environment>")
        action, body = ("set", f" --body {value}") if value else ("delete", "")
        command = f"gh variable {action} {variable} --env {environment}{body}"
    else:
        command = f"azd env set {variable} {value or EMPTY}"
    return f"{label(name)}: {message}; run: {command}"


def resolve(environment: Mapping[str, str], parameters_file: Path = PARAMETERS_FILE) -> dict[str, Any]:
    """Return the parameters with the environment's values in place, typed as the template wants them.

    A variable that is not set and has no default becomes an empty text; `problems` tells what is wrong with that.
    """
    declared = declarations()
    return {
        name: _typed(_resolved(entry["value"], environment), declared[name].type if name in declared else "string")
        for name, entry in _entries(parameters_file).items()
    }


def complaints(values: Mapping[str, Any], template: Path = TEMPLATE) -> dict[str, str]:
    """Return what Bicep would refuse, by the parameter's name."""
    declared = declarations(template)
    found = {name: "main.bicep has no such parameter" for name in values if name not in declared}
    for name, declaration in declared.items():
        if name in values:
            message = _problem(values[name], declaration)
        else:
            message = "" if declaration.has_default else "is required"
        if message:
            found[name] = message
    return found


def problems(values: Mapping[str, Any]) -> list[str]:
    """Return one line for each parameter that Bicep would refuse, naming the parameter and its variable."""
    return lines(complaints(values))


def lines(found: Mapping[str, str]) -> list[str]:
    """Return complaints as lines that name the parameter and its variable."""
    return [f"{label(name)}: {message}" for name, message in found.items()]


def _problem(value: Any, declaration: Declaration) -> str:
    if declaration.allowed and str(value) not in declaration.allowed:
        return f"must be one of {', '.join(declaration.allowed)}"
    expected = {"string": str, "int": int, "bool": bool, "array": list, "object": dict}[declaration.type]
    if not isinstance(value, expected) or (expected is int and isinstance(value, bool)):
        return f"must be of the type {declaration.type}"
    limits = declaration.limits
    if isinstance(value, str):
        size, unit = len(value), " characters"
    elif isinstance(value, int):
        size, unit = value, ""
    else:
        return ""
    if size < (least := limits.get("minLength", limits.get("minValue", size))):
        return "is empty" if value == "" else f"must be at least {least}{unit}"
    if size > (most := limits.get("maxLength", limits.get("maxValue", size))):
        return f"must be at most {most}{unit}"
    return ""


def _document(parameters_file: Path) -> dict[str, Any]:
    try:
        document = json.loads(parameters_file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise HookError(f"{parameters_file}: is not JSON ({error})") from None
    if not isinstance(document, dict) or not isinstance(document.get("parameters"), dict):
        raise HookError(f"{parameters_file}: must be an object with an object named parameters in it")
    return document


def _entries(parameters_file: Path) -> dict[str, dict[str, Any]]:
    entries: dict[str, dict[str, Any]] = _document(parameters_file)["parameters"]
    for name, entry in entries.items():
        if not isinstance(entry, dict) or "value" not in entry:
            raise HookError(f'{parameters_file}: {name} must be an object with a value: {{"value": ...}}')
    return entries


def _resolved(value: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _VARIABLE.sub(lambda match: environment.get(match[1]) or match[2] or "" if match[1] else "$", value)
    if isinstance(value, list):
        return [_resolved(item, environment) for item in value]
    if isinstance(value, dict):
        return {key: _resolved(item, environment) for key, item in value.items()}
    return value


def _typed(value: Any, kind: str) -> Any:
    if kind == "bool" and isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if kind == "int" and isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
        return int(value)
    return value


def main(arguments: list[str]) -> int:
    """Write the resolved parameters to a file for its owner only; 1 and one line per problem when they are wrong."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m infra.hooks.parameters FILE\n")
        return 2
    values = resolve(os.environ)
    if found := problems(values):
        sys.stderr.write("\n".join(found) + "\n")
        return 1
    document = {**_document(PARAMETERS_FILE), "parameters": {name: {"value": value} for name, value in values.items()}}
    target = Path(arguments[0])
    target.touch(mode=0o600)
    target.write_text(json.dumps(document, indent=2), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(run_hook(lambda: main(sys.argv[1:])))
