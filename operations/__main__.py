"""``python -m operations``: the operator's commands, with the settings of the worker."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from typing import TYPE_CHECKING, Final

from operations.arguments import Misuse
from operations.parser import command_parser

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

DONE: Final = 0
NOT_DONE: Final = 1
BAD_USAGE: Final = 2
INTERRUPTED: Final = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    0 all is well, 1 something is not, 2 bad settings or usage, 130 interrupted. With --json, standard output has one
    JSON object whatever happens.
    """
    try:
        options = _parser().parse_args(arguments)
    except Misuse as misuse:
        if "--json" in (sys.argv[1:] if arguments is None else arguments):
            sys.stdout.write(f"{json.dumps({'error': misuse.message})}\n")
        return BAD_USAGE
    return _run(options)


def _run(options: argparse.Namespace) -> int:
    logging.getLogger("azure.identity").setLevel(logging.ERROR)  # why a sign-in fails is in the report, once
    # Imported here, so that --help and usage errors answer at once.
    from operations.commands import run  # noqa: PLC0415
    from operations.report import BadUsage, Console, Refused, Report  # noqa: PLC0415
    from publisher.environment import SettingsError  # noqa: PLC0415
    from publisher.errors.kinds import AzureFailure  # noqa: PLC0415
    from publisher.table import RowChanged  # noqa: PLC0415

    console = Console(as_json=options.json)
    try:
        report = asyncio.run(run(options, os.environ, console))
    except SettingsError as error:
        console.show_bad_settings(error)
        return BAD_USAGE
    except AzureFailure as failure:
        report = Report(ok=False, document={}, error=f"{failure.code}: {failure}")
    except RowChanged:
        words = "a collection, or somebody else, wrote a row meanwhile: look at what stands, and run the command again"
        report = Report(ok=False, document={}, error=words)
    except Refused as refusal:
        report = Report(ok=False, document={}, error=str(refusal))
    except BadUsage as usage:
        report = Report(ok=False, document={}, error=str(usage), bad_usage=True)
    except KeyboardInterrupt:
        report = Report(ok=False, document={}, error="interrupted", interrupted=True)
    console.show(report)
    if report.interrupted:
        return INTERRUPTED
    if report.bad_usage:
        return BAD_USAGE
    return DONE if report.ok else NOT_DONE


def _parser() -> argparse.ArgumentParser:
    return command_parser()


if __name__ == "__main__":
    sys.exit(main())
