"""How a command is added to the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from operations.parsing.changes import Changes

if TYPE_CHECKING:
    import argparse

    from operations import arguments

Commands: TypeAlias = "argparse._SubParsersAction[arguments.Parser]"  # noqa: SLF001 - it has no public name


_SOMETHING: Final = Changes()


def add_command(
    commands: Commands, name: str, summary: str, description: str = "", *, changes: Changes = _SOMETHING
) -> argparse.ArgumentParser:
    """Add a command, which takes --json as every command does, and say what it changes, for the audit trail."""
    added = commands.add_parser(name, help=summary, description=description or f"{summary[0].upper()}{summary[1:]}.")
    added.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    added.set_defaults(changes=changes)
    return added
