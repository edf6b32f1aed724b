"""What the doctor found, by the name of the check."""

from __future__ import annotations

from typing import Any

from tests.operations.command_line import Done


def verdicts(done: Done) -> dict[str, str]:
    return {check["name"]: check["verdict"] for check in done.document["checks"]}


def check(done: Done, beginning: str) -> dict[str, Any]:
    """The check of this name, else the only one whose name begins so."""
    checks = done.document["checks"]
    exact = [check for check in checks if check["name"] == beginning]
    (found,) = exact or [check for check in checks if check["name"].startswith(beginning)]
    assert isinstance(found, dict)
    return found


def said(found: dict[str, Any]) -> str:
    """What a failed check says: its finding, a bar, and the next step."""
    assert found["verdict"] == "failed"
    return f"{found['finding']} | {found['next_step']}"
