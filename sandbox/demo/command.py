"""``python -m sandbox demo``: installs the product in a sandbox, plays the chapters of story.py, sums the checks up."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from sandbox.demo.browser import picture_of
from sandbox.demo.checks import Checks
from sandbox.demo.display import Display
from sandbox.demo.steps import Steps
from sandbox.demo.story import Story
from sandbox.installation import Installation
from sandbox.leaving import exit_status
from sandbox.roles import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rich.console import Console


SETTINGS: Final[Mapping[str, Mapping[str, str]]] = {Role.API: {"API_CACHE_SECONDS": "0"}}
"""No cache, because the API is asked right after each change."""


def run_demo(console: Console, *, prepare: Callable[[Installation], None] = lambda _: None) -> int:
    """Play the demonstration; return 0 when every check holds, 1 when one does not or the demonstration breaks off.

    Args:
        console: where it is printed.
        prepare: is called before the story begins; a test scripts a fault there.
    """
    display = Display(console)
    checks = Checks(display.check)
    started = time.monotonic()
    display.title(
        "Policy compliance of managed applications: a demonstration",
        "Everything runs on this machine: three Functions apps, each with its own host, identity and storage account, "
        "and beside them an Azure on loopback that speaks the same REST over TLS (Entra ID, Resource Manager, Logs "
        "Ingestion, Log Analytics; Azurite for storage). Alert rules and queries are those of infra/.",
    )
    with Installation(settings=SETTINGS) as installation:
        apps = [(role, ", ".join(host.functions)) for role, host in installation.hosts.items()]
        display.table("The apps", ("App", "Functions"), apps)
        try:
            prepare(installation)
            _tell(installation, display, checks)
            picture = None if checks.failed else picture_of(installation.front_door.operations_page)
        except Exception as error:
            if exit_status() is not None:
                raise
            # Any exception means that the demonstration has failed; it must say so.
            display.broken(error)
            display.log(installation.log())
            return 1
        if checks.failed:
            display.log(installation.log())
    return _summary(display, checks, time.monotonic() - started, picture)


def _tell(installation: Installation, display: Display, checks: Checks) -> None:
    steps = Steps(installation, display, checks)
    story = Story(steps, display)
    for heading, play in story.chapters:
        display.chapter(heading)
        play()
    display.chapter("What the action group was told")
    display.alerts("Every alert, in order", steps.deliveries)
    steps.expect_active(steps.alert("collector-silent"))


def _summary(display: Display, checks: Checks, seconds: float, picture: str | None) -> int:
    if checks.failed:
        display.end(f"{len(checks.failed)} of {len(checks.made)} checks failed:", good=False)
        for check in checks.failed:
            display.check(check)
        return 1
    display.end(
        f"All {len(checks.made)} checks hold. It took {seconds:.1f} seconds, and nothing is left running.", good=True
    )
    for line in filter(None, (picture, "To play with it yourself: make sandbox")):
        display.line(line)
    return 0
