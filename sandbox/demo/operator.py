"""An operator's commands: ``python -m operations`` in a process of its own, in the place of the worker."""

from __future__ import annotations

import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from sandbox.functions.process import REPOSITORY, inherited
from sandbox.roles import Role

if TYPE_CHECKING:
    from sandbox.demo.checks import Checks
    from sandbox.demo.display import Display
    from sandbox.installation import Installation
    from sandbox.world.customers import Customer

_PATIENCE: Final = 120.0
"""Seconds after which a command hangs."""


def operate(
    installation: Installation, display: Display, checks: Checks, customer: Customer, *arguments: str, told: str
) -> None:
    """Show and run a command about a customer's application; it must succeed and say what is `told`.

    It has the settings and the identity of the worker, as in a shell of that app. The application's id, which is long,
    is shown as a variable of the shell.
    """
    command, *options = arguments
    application = f'"${customer.name.upper()}"'
    display.line(f"$ python -m operations {command} {application} {shlex.join(options)}")
    done = subprocess.run(
        [sys.executable, "-m", "operations", command, customer.application_id, *options],
        cwd=REPOSITORY,
        env=inherited() | installation.environment_of(Role.WORKER) | {"COLUMNS": str(display.columns)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        timeout=_PATIENCE,
        check=False,
    )
    display.quote(f"{done.stderr}{done.stdout}")
    words = " ".join(f"{done.stdout} {done.stderr}".split())
    checks.equal(f"{command} is done, and says: {told}", (0, told), (done.returncode, told if told in words else words))
