"""What the npm and development locks pin, beside the run-time lock that infra/hooks/lock.py reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from infra.hooks.lock import PROJECT, Locked

if TYPE_CHECKING:
    from pathlib import Path

DEVELOPMENT_LOCK: Final = PROJECT / "requirements-dev.txt"
NODE_LOCKS: Final = tuple(sorted(PROJECT.glob("*/node*/package-lock.json")))


def node_packages(lock: Path) -> list[Locked]:
    """Return what a package-lock.json pins."""
    packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    return [
        Locked("npm", path.rpartition("node_modules/")[2], entry["version"])
        for path, entry in packages.items()
        if path and "version" in entry
    ]
