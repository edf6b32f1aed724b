"""Parses az commands with azure-cli's own command table; executes none of them and asks no network.

A program of its own, because azure-cli lives in a Python of its own: `PYTHON checks/documents/az_parse.py`. Standard
input is a JSON array of commands, each an array of words without `az`; standard output is a JSON array of complaints,
null where az takes the command.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from typing import Any, NoReturn

from azure.cli.core import get_default_cli
from knack.events import EVENT_INVOKER_POST_PARSE_ARGS


class Parsed(BaseException):
    """Ends az where a command is parsed and would be validated and executed next."""


def stop(*_: Any, **__: Any) -> NoReturn:
    """Raise Parsed; az calls this when it has parsed a command."""
    raise Parsed


def complaint(cli: Any, words: list[str]) -> str | None:
    """Return what az says about a command that it does not take; None when it takes it."""
    cli.invocation = cli.invocation_cls(
        cli_ctx=cli,
        commands_loader_cls=cli.commands_loader_cls,
        parser_cls=cli.parser_cls,
        help_cls=cli.help_cls,
        initial_data={"command": "", "command_string": ""},
    )
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            cli.invocation.execute(words)
    except Parsed:
        return None
    except SystemExit:
        lines = [line for line in said.getvalue().splitlines() if line.strip()]
        return lines[0] if lines else "az shows its help instead of running it"
    except Exception as error:  # noqa: BLE001 - whatever az trips over, the command does not pass
        return f"{type(error).__name__}: {error}"
    return "az does not run it"


def main() -> None:
    """Read commands from standard input, write complaints to standard output."""
    cli = get_default_cli()
    cli.register_event(EVENT_INVOKER_POST_PARSE_ARGS, stop)
    print(json.dumps([complaint(cli, words) for words in json.load(sys.stdin)]))


if __name__ == "__main__":
    main()
