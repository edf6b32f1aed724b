"""Fixtures that every test can use: one running sandbox per test process, empty again for each test."""

from __future__ import annotations

import atexit
import fcntl
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from sandbox.local_azure import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

STDERR = 2

if "PYTEST_XDIST_WORKER" in os.environ:
    # When a worker has ended, DuckDB's binding lists a hundred lines of its own types as leaked; nothing of ours is.
    atexit.register(os.dup2, os.open(os.devnull, os.O_WRONLY), STDERR)

hypothesis.settings.register_profile("patient", deadline=None)  # a busy machine is no failure
hypothesis.settings.load_profile("patient")


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Sandbox]:
    """The sandbox of this test process; with pytest-xdist each worker has one of its own."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def running_identity_sandbox() -> Iterator[Sandbox]:
    """Another one, whose storage is reached over TLS with the managed identity's tokens."""
    with Sandbox(identity_storage=True) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """An empty Azure with a storage account that no other test has used; the process trusts its certificates."""
    return _emptied(running_sandbox, monkeypatch)


@pytest.fixture
def identity_sandbox(running_identity_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """Like `sandbox`, without any connection string."""
    return _emptied(running_identity_sandbox, monkeypatch)


@pytest.fixture
def fixed_ports() -> Iterator[None]:
    """The fixed ports of `make sandbox`, for one test at a time: test processes, of other work trees too, take turns.

    Where a program that is no test listens on one of them, say a `make sandbox`, the test fails with PortTakenError.
    """
    with (Path(tempfile.gettempdir()) / "sandbox-fixed-ports.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # given up with the process, whatever its end
        yield


@pytest.fixture
def environment(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The product's settings for the sandbox, which are also this process's environment while the test runs."""
    for name, value in sandbox.environment.items():
        monkeypatch.setenv(name, value)
    return sandbox.environment


def _emptied(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    sandbox.reset()
    sandbox.next_storage_account()
    for name in ("SSL_CERT_FILE", "IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
        # azure-identity and OpenSSL read these from the process, not from what a test hands over.
        monkeypatch.setenv(name, sandbox.environment[name])
    return sandbox
