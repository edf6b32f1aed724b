"""Whoever ends a command, or closes its shell, after it has changed something, keeps its row from nobody."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest
from aiohttp import web

from sandbox.faults.effects import Call, Slow
from sandbox.faults.operations import Upload
from sandbox.local_azure import Sandbox
from sandbox.roles import AUDIT_TABLE
from sandbox.world.customers import Customer
from tests.operations.command_line import WHY, Cli, listed

EVENTS = "Custom-ManagedApplicationEvents_CL"

pytestmark = pytest.mark.usefixtures("signals_of_a_terminal")


@pytest.mark.parametrize("ignores_interrupts", [False, True])
@pytest.mark.parametrize("numbers", [(signal.SIGTERM,), (signal.SIGHUP,), (signal.SIGHUP, signal.SIGTERM)])
def test_a_command_that_is_ended_after_its_change_is_told(
    cli: Cli,
    sandbox: Sandbox,
    registered: Customer,
    numbers: tuple[signal.Signals, ...],
    ignores_interrupts: bool,
) -> None:
    """As a script's background command does, some ignore interrupts."""
    if ignores_interrupts:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    is_done = threading.Event()

    async def wait(call: Call) -> web.StreamResponse:
        is_done.set()
        return await Slow(30)(call)

    sandbox.faults.add(Upload(EVENTS), wait)
    arguments = ["remove", registered.application_id, *WHY, "--person", "mallory", "--force", "--yes", "--json"]
    with subprocess.Popen(
        [sys.executable, "-m", "operations", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ},
        text=True,
    ) as running:
        assert is_done.wait(60)
        for number in numbers:
            running.send_signal(number)
        running.communicate(timeout=60)

    assert running.returncode == 130
    assert listed(cli) == []
    [row] = sandbox.workspace.query(f"{AUDIT_TABLE} | where Command startswith 'remove'")
    assert (row["Outcome"], row["Actor_name"], row["Application_id"]) == (
        "interrupted",
        "mallory",
        registered.application_id,
    )
