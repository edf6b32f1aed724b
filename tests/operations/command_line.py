"""``python -m operations`` in this process: what it prints, and its exit status."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from operations.__main__ import main


@dataclass(frozen=True)
class Done:
    """A command that ended."""

    status: int
    output: str
    errors: str

    @property
    def document(self) -> dict[str, Any]:
        found = json.loads(self.output)
        assert isinstance(found, dict)
        return found

    @property
    def words(self) -> str:
        """Everything people see, on one line."""
        return " ".join(f"{self.output} {self.errors}".split())


Cli = Callable[..., Done]

WHY = ("--reason", "the contract has ended")
"""What a removal is given as its reason."""


@pytest.fixture
def cli(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs a command with the sandbox's settings."""
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.delenv("LOGNAME", raising=False)
    monkeypatch.setenv("USER", "ada")

    def run(*arguments: str) -> Done:
        capsys.readouterr()
        try:
            status = main(arguments)
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        captured = capsys.readouterr()
        return Done(status, captured.out, captured.err)

    return run


def listed(cli: Cli) -> list[str]:
    """The ids of the applications in the registry, as the command tells them."""
    return [item["application_id"] for item in cli("list", "--json").document["applications"]]
