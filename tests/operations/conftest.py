"""The command line over a registry in the sandbox."""

from tests.operations.command_line import cli
from tests.registry.conftest import RawTable, arm, refresher, registry, settings, table

__all__ = ["RawTable", "arm", "cli", "refresher", "registry", "settings", "table"]
