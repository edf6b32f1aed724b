"""Checks the words that azd, make and our own programs get, without running any of them."""

from __future__ import annotations

import ast
import contextlib
import importlib
import io
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from checks.bicep_source import BicepFile
from checks.documents.shell_commands import PLACEHOLDER
from operations.arguments import Misuse

if TYPE_CHECKING:
    import argparse

PROJECT: Final = Path(__file__).resolve().parents[2]
AZD: Final[dict[str, Any]] = json.loads((Path(__file__).parent / "azd_commands.json").read_text(encoding="utf-8"))

_VARIABLE: Final = re.compile(r"\$\{([A-Z_]+)[=}]")
_TARGET: Final = re.compile(r"^([a-z][\w-]*):(?!=)", re.MULTILINE)
_INSTALLED: Final = frozenset({"pip", "venv", "zipfile"})
"""Modules of Python itself; what they get is not checked."""

Complaint = str | None


def azd(words: list[str], *, is_mention: bool = False) -> Complaint:
    """Return what is wrong with the words after `azd`; a mention names a command and needs no arguments."""
    commands = AZD["commands"]
    name = next((name for count in (2, 1) if (name := " ".join(words[:count])) in commands), None)
    if name is None:
        if is_mention and any(known.startswith(" ".join(words) + " ") for known in commands):
            return None
        return f"azd has no command `{' '.join(words[:2])}`, or checks/documents/azd_commands.json does not list it"
    flags: dict[str, bool] = {**AZD["everywhere"], **commands[name]["flags"]}
    positional: list[str] = []
    rest = iter(words[len(name.split()) :])
    for word in rest:
        if not word.startswith("-"):
            positional.append(word)
            continue
        flag, equals, _ = word.partition("=")
        if flag not in flags:
            return f"azd {name} takes no {flag}, or checks/documents/azd_commands.json does not list it"
        if flags[flag] and not equals and next(rest, None) is None:
            return f"azd {name} {flag} needs a value"
    instead = commands[name].get("instead")
    least, most = (0, 0) if instead in words else commands[name]["arguments"]
    if len(positional) > most or (len(positional) < least and not is_mention):
        return f"azd {name} takes {least if least == most else f'{least} to {most}'} arguments, not {len(positional)}"
    return _unknown_name(name, positional[0]) if positional else None


def _unknown_name(command: str, name: str) -> Complaint:
    """Return the complaint about a variable, an output or a hook that the project does not have."""
    if not re.fullmatch(r"[A-Z_]+|[a-z]+", name) or name == PLACEHOLDER:
        return None
    if command == "hooks run":
        hooks = yaml.safe_load((PROJECT / "azure.yaml").read_text(encoding="utf-8"))["hooks"]
        return None if name in hooks else f"azure.yaml has no hook {name}"
    variables = set(_VARIABLE.findall((PROJECT / "infra" / "main.parameters.json").read_text(encoding="utf-8")))
    if command == "env set" and name not in variables:
        return f"infra/main.parameters.json has no variable {name}"
    if command == "env get-value" and name not in variables | set(BicepFile(PROJECT / "infra" / "main.bicep").outputs):
        return f"{name} is neither an output of infra/main.bicep nor a variable of infra/main.parameters.json"
    return None


def make(words: list[str]) -> Complaint:
    """Return what is wrong with the words after `make`: targets that the Makefile does not have."""
    targets = set(_TARGET.findall((PROJECT / "Makefile").read_text(encoding="utf-8")))
    missing = [word for word in words if "=" not in word and not word.startswith("-") and word not in targets]
    return f"the Makefile has no target {missing[0]}" if missing else None


def python(words: list[str], *, is_mention: bool = False) -> Complaint:
    """Return what is wrong with the words after `python`: only `-m MODULE …` is looked at."""
    if words[:1] != ["-m"] or len(words) == 1:
        return None
    module, arguments = words[1], words[2:]
    if module in _INSTALLED:
        return None
    source = _source_of(module)
    if source is None:
        return f"there is no module {module}"
    if is_mention and not arguments:
        return None
    if "def _parser() -> argparse.ArgumentParser:" in source.read_text(encoding="utf-8"):
        complaint = _parsed(f"{module}.__main__" if source.stem == "__main__" else module, arguments)
        return None if is_mention and complaint and "required" in complaint else complaint
    return _against_usage(module, source, arguments)


def _source_of(module: str) -> Path | None:
    base = PROJECT.joinpath(*module.split("."))
    return next((path for path in (base.with_suffix(".py"), base / "__main__.py") if path.is_file()), None)


def _parsed(module: str, arguments: list[str]) -> Complaint:
    parser: argparse.ArgumentParser = importlib.import_module(module)._parser()  # noqa: SLF001
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            parser.parse_args(arguments)
    except Misuse as misuse:
        return str(misuse)
    except SystemExit as end:
        if end.code:
            return said.getvalue().strip().splitlines()[-1]
    return None


def _against_usage(module: str, source: Path, arguments: list[str]) -> Complaint:
    """Compare with the options that the source declares and the usage that its docstring gives.

    The usage is `python -m MODULE FIRST SECOND.json`: as many words that begin in capitals as there are arguments.
    """
    text = source.read_text(encoding="utf-8")
    unknown = [word for word in arguments if word.startswith("--") and f'"{word.partition("=")[0]}"' not in text]
    if unknown:
        return f"python -m {module} takes no {unknown[0]}"
    documentation = ast.get_docstring(ast.parse(text)) or ""
    usage = re.search(rf"python3? -m {re.escape(module)}((?: [A-Z_]+(?:\.\w+)?)*)(?=`|\s|$)", documentation)
    expected = len(usage[1].split()) if usage else 0
    positional = [word for word in arguments if not word.startswith("-")]
    if len(positional) != expected:
        return f"python -m {module} takes {expected} arguments by its docstring, not {len(positional)}"
    return None
