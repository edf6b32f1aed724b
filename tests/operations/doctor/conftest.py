"""The doctor in the environment of each role's app, whose storage is reached with its identity alone."""

from __future__ import annotations

from collections.abc import Callable, Collection

import pytest

from operations.__main__ import main
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.operations.command_line import Done

Doctor = Callable[..., Done]


@pytest.fixture
def customer(identity_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Customer:
    """A customer whom the worker has registered."""
    customer = identity_sandbox.arm.add_customer("Contoso")
    with monkeypatch.context() as patched:
        for name, value in identity_sandbox.environment_of("worker").items():
            patched.setenv(name, value)
        assert main(["add", customer.application_id]) == 0
    return customer


@pytest.fixture
def doctor(identity_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Doctor:
    """Examines the app of a role; `without` names settings that are missing, other keywords are further ones."""
    monkeypatch.setenv("COLUMNS", "400")

    def examine(role: str, *arguments: str, without: Collection[str] = (), **others: str) -> Done:
        for name in identity_sandbox.environment:
            monkeypatch.delenv(name, raising=False)
        found = identity_sandbox.environment_of(role) | others
        for name in found.keys() - set(without):
            monkeypatch.setenv(name, found[name])
        capsys.readouterr()
        status = main(["doctor", "--json", *arguments])
        captured = capsys.readouterr()
        return Done(status, captured.out, captured.err)

    return examine
