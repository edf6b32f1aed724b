"""The publisher's clients against the sandbox: the fixtures of the registry's tests."""

from tests.registry.conftest import RawTable, arm, ownership, refresher, registry, settings, table

__all__ = ["RawTable", "arm", "ownership", "refresher", "registry", "settings", "table"]
