"""Checks the shell commands in the documents: az, azd, make and our own programs take every one of them.

In documents, in every script of the project (workflows, Makefile, hooks) and in the messages of its programs no command
shows a secret in an argument, in the history, on the screen or in a dump, and none fetches an image, a package or a
script that it does not name exactly.

`python -m checks.documented_commands` prints one line per problem and exits with 1 when there is one. The az commands
are parsed by azure-cli itself where that is asked for: with `--require-az` by the one whose `az` is on the PATH, which
must be there, with `--az-python` by another one. A later az may
refuse what an older document says, so it is a choice.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from checks.documents import programs, shells, unfilled_marks
from checks.documents.markdown import read
from checks.documents.programs import PROJECT
from checks.documents.rules import RULES
from checks.documents.scripts import messages, scripts, secrets_of_github
from infra.hooks.package import project_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from checks.documents.markdown import Document
    from checks.documents.shells import Call

NOT_RUN: Final = "az commands were not checked: no Python with azure-cli was found"
_SECONDS: Final = 300


class AzError(Exception):
    """azure-cli could not parse anything; the message says why."""


def documents(project: Path = PROJECT) -> list[Path]:
    """Return the Markdown files that users follow."""
    return [project / name for name in project_files(project) if name.endswith(".md")]


def problems(paths: Iterable[Path], az_python: Path | None = None, root: Path = PROJECT) -> list[str]:
    """Return one line for each mistake in the documents, in their order; az commands only with `az_python`."""
    found: list[tuple[str, int, str]] = []
    calls: list[tuple[str, Call]] = []
    for path in paths:
        document = read(path)
        name = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
        found += [(name, line, text) for line, text in shells.problems(document)]
        found += [(name, line, text) for line, text in shells.carelessness(document)]
        for call in shells.calls(document):
            if call.words[0] == "az":
                calls.append((name, call))
            elif complaint := _complaint(call):
                found.append((name, call.line, f"{_shown(call)}: {complaint}"))
        found += [(name, call.line, text) for call, text in _extensions_missing(document)]
    if az_python:
        found += _az_problems(calls, az_python)
    return [f"{name}:{line}: {text}" for name, line, text in sorted(found)]


def script_problems(project: Path = PROJECT) -> list[str]:
    """Return one line for each command of a script or message that shows a secret, or fetches what it does not name."""
    found = [
        *(
            f"{label}, line {line}: {reason}"
            for label, text in scripts(project)
            for line, reason in _broken_rules(text)
        ),
        *(f"{label}: {reason}" for label, text in messages(project) for _, reason in _broken_rules(text)),
    ]
    return [*dict.fromkeys(found), *secrets_of_github(project)]


def _broken_rules(text: str) -> list[tuple[int, str]]:
    return [item for rule in RULES for item in rule(text)]


def _complaint(call: Call) -> str | None:
    program, words = call.words[0], list(call.words[1:])
    if program == "azd":
        return programs.azd(words, is_mention=call.is_mention)
    if program == "make":
        return programs.make(words)
    if Path(program).name in {"python", "python3"}:
        return programs.python(words, is_mention=call.is_mention)
    return None


def _extensions_missing(document: Document) -> list[tuple[Call, str]]:
    """Commands of an az extension that the document does not install before."""
    installed: set[str] = set()
    found = []
    for call in shells.calls(document):
        words = call.words
        if words[:3] == ("az", "extension", "add"):
            installed |= set(words[3:])
        elif (extension := shells.extension_of(words)) and extension not in installed and not call.is_mention:
            found.append(
                (call, f"{_shown(call)}: say `az extension add --name {extension} --version <version>` before")
            )
    return found


def _az_problems(calls: list[tuple[str, Call]], az_python: Path) -> list[tuple[str, int, str]]:
    asked = [(name, call) for name, call in calls if not shells.extension_of(call.words)]
    complaints = az_complaints([list(call.words[1:]) for _, call in asked], az_python)
    return [
        (name, call.line, f"{_shown(call)}: {complaint}")
        for (name, call), complaint in zip(asked, complaints, strict=True)
        if complaint and not (call.is_mention and "required" in complaint)
    ]


def az_complaints(commands: list[list[str]], az_python: Path) -> list[str | None]:
    """Return azure-cli's complaint about each command (words without `az`), None where it takes the command."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "AZURE_CONFIG_DIR": folder,
            "AZURE_CORE_COLLECT_TELEMETRY": "false",
            "AZURE_EXTENSION_USE_DYNAMIC_INSTALL": "no",
        }
        # A value such as @file.json is the file's text by the time that az parses it.
        text = json.dumps([["name=value" if word.startswith("@") else word for word in one] for one in commands])
        command = [str(az_python), str(Path(__file__).parent / "documents" / "az_parse.py")]
        done = subprocess.run(
            command, input=text, capture_output=True, check=False, encoding="utf-8", env=environment, timeout=_SECONDS
        )
    if done.returncode:
        raise AzError((done.stderr.strip().splitlines() or ["azure-cli said nothing"])[-1])
    answer: list[str | None] = json.loads(done.stdout)
    return answer


def find_az_python() -> Path | None:
    """Return the Python that azure-cli is installed in, found from the `az` on the PATH; None when there is none."""
    az = shutil.which("az")
    if az is None:
        return None
    beside = Path(az).resolve().parent
    candidates = [
        beside / "python3",
        beside / "python",
        Path("/opt/az/bin/python3"),  # packages for Debian and the runners of GitHub
        beside.parent / "libexec" / "bin" / "python",  # Homebrew
        beside.parent / "python.exe",  # the installer for Windows
    ]
    return next((path for path in candidates if path.is_file() and _has_azure_cli(path)), None)


def _has_azure_cli(python: Path) -> bool:
    command = [str(python), "-c", "import azure.cli.core"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _shown(call: Call) -> str:
    text = " ".join(call.words)
    return text if len(text) <= 80 else f"{text[:77]}..."  # noqa: PLR2004 - one line of a terminal


def main(arguments: Sequence[str] | None = None) -> int:
    """Print every problem; 0 when there is none, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m checks.documented_commands", description="Check the documents.")
    parser.add_argument("--require-az", action="store_true", help="fail when az commands cannot be checked")
    parser.add_argument("--az-python", type=Path, metavar="FILE", help="the Python that azure-cli is installed in")
    parser.add_argument("documents", nargs="*", type=Path, help="these documents instead of all")
    options = parser.parse_args(arguments)
    az_python = options.az_python or (find_az_python() if options.require_az else None)
    paths = [path.resolve() for path in options.documents] or documents()
    try:
        found = [*problems(paths, az_python), *script_problems(), *unfilled_marks.problems(PROJECT)]
    except AzError as error:
        found = [f"az commands could not be checked: {error}"]
    if az_python is None and options.require_az:
        found.append(NOT_RUN)
    for problem in found:
        print(problem)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
