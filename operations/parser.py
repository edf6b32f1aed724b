"""The commands of ``python -m operations``; what each takes stands in operations.parsing."""

from __future__ import annotations

from operations import arguments
from operations.parsing.acting import add_acting_commands
from operations.parsing.discovery import add_discovery_command
from operations.parsing.exemptions import add_exemptions_command
from operations.parsing.installation import add_installation_commands
from operations.parsing.ledger import add_ledger_commands
from operations.parsing.pending import add_pending_commands
from operations.parsing.plan import add_plan_commands
from operations.parsing.registry import add_registry_commands
from operations.parsing.restore import add_restore_command


def command_parser() -> arguments.Parser:
    """Return the parser of the command line."""
    main = arguments.Parser(
        prog="python -m operations",
        description="Look after the registry of managed applications and the ledger of their verdicts, and find out "
        "what is wrong with an installation.",
        epilog="Settings are environment variables, the same as the worker's; doctor takes those of any app, cost the "
        "api's. Exit status: 0 done, and all is well; 1 something could not be done or is not as it should be; 2 bad "
        "settings or usage; 130 interrupted.",
    )
    commands = main.add_subparsers(dest="command", metavar="COMMAND", required=True)
    add_registry_commands(commands)
    add_discovery_command(commands)
    add_ledger_commands(commands)
    add_exemptions_command(commands)
    add_plan_commands(commands)
    add_acting_commands(commands)
    add_pending_commands(commands)
    add_restore_command(commands)
    add_installation_commands(commands)
    return main
