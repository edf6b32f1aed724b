"""``python -m sandbox``: demo, run or serve the local Azure, or write the example settings that fit it."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.leaving import exit_on_signals, exit_status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.services import Service

EVERY_20_SECONDS = "*/20 * * * * *"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    options = _parser().parse_args(arguments)
    # Everything is on this machine: a proxy has no part in it.
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = "127.0.0.1,localhost"
    # Imported here, so that --help and usage errors answer at once.
    from sandbox.address_book import PortTakenError  # noqa: PLC0415
    from sandbox.azure.azurite import AzuriteFailedError  # noqa: PLC0415
    from sandbox.functions.process import FunctionsHostFailedError  # noqa: PLC0415

    try:
        return _run(options)
    except (AzuriteFailedError, FunctionsHostFailedError, PortTakenError) as error:
        print(error, file=sys.stderr)
        return 1
    except Exception:
        status = exit_status()
        if status is None:
            raise
        return status


def _run(options: argparse.Namespace) -> int:
    if options.command == "demo":
        from sandbox.console import open_console  # noqa: PLC0415
        from sandbox.demo.command import run_demo  # noqa: PLC0415

        exit_on_signals(after_cleaning_up=None)
        return run_demo(open_console())
    if options.command == "run":
        from sandbox.address_book import FIXED, AddressBook  # noqa: PLC0415
        from sandbox.console import open_console  # noqa: PLC0415
        from sandbox.running.command import run  # noqa: PLC0415

        exit_on_signals(after_cleaning_up=0)
        book = AddressBook() if options.any_ports else FIXED
        return run(open_console(), book, schedule=options.schedule, as_json=options.json)
    if options.command == "settings":
        from sandbox.example_settings import write_examples  # noqa: PLC0415

        for path in write_examples(options.into):
            print(path)
        return 0
    from sandbox.serve import Fleet, Served, serve  # noqa: PLC0415

    serve(Served(Fleet.parse(options.fleet), dict(options.latency), keep_rows=options.keep_rows))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="A local Azure for the product.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("demo", help="tell the whole story once and check it (make demo)")
    run = commands.add_parser("run", help="keep everything running until Ctrl-C (make sandbox)")
    run.add_argument("--json", action="store_true", help="print one line of JSON with all addresses, and nothing else")
    run.add_argument(
        "--schedule", default=EVERY_20_SECONDS, metavar="NCRONTAB", help="when to collect (default: every 20 seconds)"
    )
    run.add_argument(
        "--any-ports", action="store_true", help="free ports and new secrets instead of those of the example settings"
    )
    settings = commands.add_parser(
        "settings", help="write local.settings.example.json into the folder of each role, as `run` needs it"
    )
    settings.add_argument("--into", type=Path, default=Path(), metavar="FOLDER", help="instead of this project")
    serve = commands.add_parser(
        "serve", help="only the Azure services, for a benchmark: settings as JSON, then commands"
    )
    serve.add_argument("--fleet", default="0x0", metavar="CUSTOMERSxSTATES", help="generated customers, e.g. 500x300")
    serve.add_argument(
        "--latency", action="append", default=[], type=_latency, metavar="SERVICE=SECONDS", help="can be repeated"
    )
    serve.add_argument("--keep-rows", action="store_true", help="store uploaded rows instead of counting them")
    return parser


def _latency(text: str) -> tuple[Service, float]:
    from sandbox.services import Service  # noqa: PLC0415

    name, _, seconds = text.partition("=")
    try:
        return Service(name), float(seconds)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"one of {', '.join(Service)}, then = and seconds") from error


if __name__ == "__main__":
    sys.exit(main())
