"""``python -m collector``: one collection now, from a shell or container, with the settings of the worker."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING, Final

from publisher.garbage import look_seldom

if TYPE_CHECKING:
    from collections.abc import Sequence

    from collector.console import Console
    from collector.json_report import JsonReport
    from publisher.resource_ids import ApplicationId
    from publisher.settings import CollectorSettings

ALL_READ: Final = 0
NOT_ALL_READ: Final = 1
BAD_USAGE: Final = 2
INTERRUPTED: Final = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0 all read, 1 not all read, 2 bad settings or usage."""
    options = _parser().parse_args(arguments)
    look_seldom()
    # Imported here, so that --help and usage errors answer at once.
    from publisher.settings import CollectorSettings, SettingsError  # noqa: PLC0415

    console = _console(as_json=options.json)
    try:
        settings = CollectorSettings.from_environment(os.environ)
        return asyncio.run(_collect(settings, console, options.application))
    except SettingsError as error:
        console.show_bad_settings(error)
        return BAD_USAGE
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.show_interrupted()
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m collector",
        description="Collect the policy states of every registered managed application once.",
        epilog="Settings are environment variables, the same as the worker's. "
        "Exit status: 0 every application was read, 1 something failed or could not be read, "
        "2 bad settings or usage.",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    parser.add_argument(
        "--application",
        metavar="ID",
        type=_application_id,
        help="collect only this application (its resource id); writes no run row, so the fleet's totals stay",
    )
    return parser


def _application_id(text: str) -> ApplicationId:
    from publisher.resource_ids import ApplicationId, InvalidResourceId  # noqa: PLC0415

    try:
        return ApplicationId.parse(text)
    except InvalidResourceId as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _console(*, as_json: bool) -> Console | JsonReport:
    if as_json:
        from collector.json_report import JsonReport  # noqa: PLC0415 - machines need no rich

        return JsonReport()
    from collector.console import Console  # noqa: PLC0415

    return Console()


async def _collect(settings: CollectorSettings, console: Console | JsonReport, only: ApplicationId | None) -> int:
    from collector.run import failure_of, run_collection  # noqa: PLC0415

    task = asyncio.current_task()
    if task is not None and sys.platform != "win32":
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with console:
        summary = await run_collection(
            settings, trigger="command line", only={only: ""} if only else None, on_result=console.add
        )
        failure = failure_of(summary)
        error = str(failure) if failure else None
        if only is not None and summary.applications == 0 and summary.error is None:
            error = f"{only} is not in the registry"
        console.show_summary(summary, error)
    return NOT_ALL_READ if error or summary.failed else ALL_READ


if __name__ == "__main__":
    sys.exit(main())
