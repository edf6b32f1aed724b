"""Questions to Azure through the Azure CLI, with "could not ask" kept apart from every answer."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from typing import Any, Final

TIMEOUT_SECONDS: Final = 120
_NOT_FOUND: Final = ("does not exist", "not found", "notfound", "was not found", "could not be found")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the CLI said. `found` is None when the question could not be asked, and then `reason` says why."""

    found: bool | None
    data: Any = None
    reason: str = ""


def ask(*arguments: str) -> Answer:
    """Run `az` with these arguments and return its JSON; what is not there is an answer, a failure is not."""
    program = shutil.which("az")
    if program is None:
        return Answer(None, reason="the Azure CLI (az) is not installed")
    try:
        done = subprocess.run(  # noqa: S603 - fixed program, arguments are passed as a list
            [program, *arguments, "--output", "json"],
            capture_output=True,
            check=False,
            encoding="utf-8",
            timeout=TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return Answer(None, reason=f"az {' '.join(arguments[:3])} gave no answer within {TIMEOUT_SECONDS} s")
    if done.returncode:
        complaint = done.stderr.strip().splitlines()
        reason = complaint[-1][:300] if complaint else f"az ended with {done.returncode}"
        is_absent = any(words in done.stderr.lower() for words in _NOT_FOUND)
        return Answer(False if is_absent else None, reason=reason)
    try:
        return Answer(found=True, data=json.loads(done.stdout or "null"))
    except json.JSONDecodeError:
        return Answer(None, reason=f"az {' '.join(arguments[:3])} did not answer with JSON")
