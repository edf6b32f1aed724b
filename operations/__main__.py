"""``python -m operations``: the operator's commands, with the settings of the worker."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shlex
import sys
from typing import TYPE_CHECKING

from operations.arguments import BAD_USAGE, Misuse
from operations.ending import ends_as_interrupted
from operations.parser import command_parser

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    0 all is well, 1 something is not, 2 bad settings or usage, 130 interrupted. With --json, standard output has one
    JSON object whatever happens.
    """
    given = sys.argv[1:] if arguments is None else arguments
    try:
        options = _parser().parse_args(given)
    except Misuse as misuse:
        if "--json" in given:
            sys.stdout.write(f"{json.dumps({'error': misuse.message})}\n")
        return BAD_USAGE
    return _run(options, shlex.join(given))


def _run(options: argparse.Namespace, words: str) -> int:
    logging.getLogger("azure.identity").setLevel(logging.ERROR)  # why a sign-in fails is in the report, once
    # Imported here, so that --help and usage errors answer at once.
    from operations.audit.command import audited  # noqa: PLC0415
    from operations.commands import run  # noqa: PLC0415
    from operations.report import Console, Report  # noqa: PLC0415
    from publisher.environment import SettingsError  # noqa: PLC0415

    console = Console(as_json=options.json)
    try:
        with ends_as_interrupted():
            report = asyncio.run(audited(lambda: run(options, os.environ, console), options, words, os.environ))
    except SettingsError as error:
        console.show_bad_settings(error)
        return BAD_USAGE
    except KeyboardInterrupt:  # for the second time, or before anything began
        report = Report(ok=False, document={}, error="interrupted", interrupted=True)
    console.show(report)
    return report.exit_status


def _parser() -> argparse.ArgumentParser:
    return command_parser()


if __name__ == "__main__":
    sys.exit(main())
