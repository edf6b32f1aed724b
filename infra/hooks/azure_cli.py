"""Questions to Azure through the Azure CLI, with "could not ask" kept apart from every answer.

What the CLI prints is data: its shape is checked here, so that a list instead of an object is "could not ask" as well.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

TIMEOUT_SECONDS: Final = 120
NOT_INSTALLED: Final = (
    "the Azure CLI (az) is not installed or not on the PATH: https://learn.microsoft.com/cli/azure/install-azure-cli"
)

_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
_ERROR: Final = "ERROR: "
_ERROR_CODE: Final = re.compile(r"\((\w+)\)")
_ABSENT_CODES: Final = {"ResourceNotFound", "ResourceGroupNotFound", "Request_ResourceNotFound"}
"""Only these are Azure's word that something is not there; SubscriptionNotFound, for one, is not."""
_ABSENT_WORDS: Final = re.compile(
    r"(?:The )?(?:resource|service principal|application)\b"
    r".* (?:does not exist|doesn't exist|could not be found|was not found)\b",
    re.IGNORECASE,
)
"""How the CLI says it where it gives no code, for Microsoft Graph above all.

That a user does not exist in a tenant or in the cache of tokens is about the sign-in, and begins in another way.
"""
_NO_CAUSE: Final = "traceback:"
"""How the CLI's line about its own failure ends; the cause is the next one."""
_SIGN_IN: Final = "az login --"
_LONGEST_REASON: Final = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """What the CLI said. `found` is None when the question could not be asked, and then `reason` says why."""

    found: bool | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ObjectAnswer(Answer):
    """An answer that is one object; empty when nothing was found."""

    data: Mapping[str, Any] | None = None

    def text(self, *path: str) -> str:
        """Return the text at a path of names; empty when there is none."""
        return text(self.data, *path)


@dataclass(frozen=True, slots=True)
class ListAnswer(Answer):
    """An answer that is a list of objects; empty when nothing was found."""

    data: tuple[Mapping[str, Any], ...] = ()


def ask_object(*arguments: str) -> ObjectAnswer:
    """Run `az` with these arguments and return the object that it answers with."""
    answer, data = _ask(arguments)
    if answer.found and not isinstance(data, dict):
        answer = _misshapen(arguments, "an object")
    return ObjectAnswer(answer.found, answer.reason, data if answer.found else None)


def ask_list(*arguments: str) -> ListAnswer:
    """Run `az` with these arguments and return the list of objects that it answers with."""
    answer, data = _ask(arguments)
    if answer.found and not (isinstance(data, list) and all(isinstance(entry, dict) for entry in data)):
        answer = _misshapen(arguments, "a list of objects")
    return ListAnswer(answer.found, answer.reason, tuple(data) if answer.found else ())


def text(data: object, *path: str) -> str:
    """Return the text at a path of names in nested objects; empty when there is none."""
    for name in path:
        data = data.get(name) if isinstance(data, Mapping) else None
    return data if isinstance(data, str) else ""


def texts(data: object, name: str) -> list[str]:
    """Return the texts of a list that an object holds under a name; empty when there are none."""
    values = data.get(name) if isinstance(data, Mapping) else None
    return [value for value in values if isinstance(value, str)] if isinstance(values, list) else []


def _ask(arguments: tuple[str, ...]) -> tuple[Answer, Any]:
    program = shutil.which("az")
    if program is None:
        return Answer(None, NOT_INSTALLED), None
    try:
        done = subprocess.run(  # noqa: S603 - fixed program, arguments are passed as a list
            [program, *arguments, "--output", "json"],
            capture_output=True,
            check=False,
            encoding="utf-8",
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return Answer(None, f"{_question(arguments)} gave no answer within {TIMEOUT_SECONDS} s"), None
    except OSError as error:
        return Answer(None, f"{program} could not be started: {error.strerror or error}"), None
    if done.returncode:
        complaint = _complaint(done.stderr)
        reason = _reason(complaint, done.stderr) or f"az ended with {done.returncode}"
        return Answer(False if _is_absent(complaint) else None, reason), None
    try:
        return Answer(found=True), json.loads(done.stdout.lstrip("\ufeff") or "null")
    except (ValueError, RecursionError):  # a number of thousands of digits, and thousands of brackets
        return Answer(None, f"{_question(arguments)} did not answer with JSON"), None


def _complaint(output: str) -> list[str]:
    """The lines that say what went wrong: those that the CLI marks as errors, else all but the warnings."""
    lines = [line.strip() for line in _COLOUR.sub("", output).splitlines()]
    marked = [line.removeprefix(_ERROR) for line in lines if line.startswith(_ERROR)]
    return marked or [line for line in lines if line and not line.startswith("WARNING: ")]


def _reason(complaint: list[str], output: str) -> str:
    """The first error, else the line with a code, else the last one; and how to sign in, when the CLI says that."""
    if not complaint:
        return ""
    if _ERROR in output:
        line = next((line for line in complaint if not line.endswith(_NO_CAUSE)), complaint[0])
    else:
        line = next((line for line in complaint if _ERROR_CODE.match(line)), complaint[-1])
    repair = next((line.strip() for line in output.splitlines() if line.strip().startswith(_SIGN_IN)), "")
    return line[:_LONGEST_REASON] + (f"; run: {repair}" if repair else "")


def _is_absent(complaint: list[str]) -> bool:
    if codes := [found[1] for line in complaint if (found := _ERROR_CODE.match(line))]:
        return codes[0] in _ABSENT_CODES
    return any(_ABSENT_WORDS.match(line) for line in complaint)


def _misshapen(arguments: tuple[str, ...], expected: str) -> Answer:
    return Answer(None, f"{_question(arguments)} did not answer with {expected}")


def _question(arguments: tuple[str, ...]) -> str:
    words = []
    for argument in arguments:
        if argument.startswith("-"):
            break
        words.append(argument)
    return f"az {' '.join(words)}"
