"""What the lock files pin: every package with its version, its hashes and who wants it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).resolve().parent.parent
RUNTIME_LOCK: Final = PROJECT / "requirements.txt"
DEVELOPMENT_LOCK: Final = PROJECT / "requirements-dev.txt"
NODE_LOCKS: Final = tuple(
    PROJECT / folder / "package-lock.json" for folder in ("sandbox/node", "checks/node", "checks/node_actions")
)

_PIN: Final = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)(?: ; ([^\\]+))?", re.MULTILINE)
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_VIA: Final = re.compile(r"^ +# +(?:via )?(?:-r )?([\w.-]+(?:\.in)?)$", re.MULTILINE)


class LockError(ValueError):
    """A lock file is not what `make lock` writes."""


@dataclass(frozen=True, slots=True)
class Locked:
    """One pinned package. `ecosystem` is "PyPI" or "npm"; `marker` says for which Pythons the pin is meant."""

    ecosystem: str
    name: str
    version: str
    marker: str = ""
    sha256: tuple[str, ...] = ()
    wanted_by: tuple[str, ...] = ()


def python_packages(lock: Path = RUNTIME_LOCK) -> list[Locked]:
    """Return what a requirements file pins; raise LockError for a pin without a hash, or none at all."""
    text = lock.read_text(encoding="utf-8")
    pins = list(_PIN.finditer(text))
    if not pins:
        raise LockError(f"{lock.name} pins nothing")
    ends = [pin.start() for pin in pins[1:]] + [len(text)]
    found = []
    for pin, end in zip(pins, ends, strict=True):
        details = text[pin.end() : end]
        hashes = tuple(_HASH.findall(details))
        if not hashes:
            raise LockError(f"{lock.name}: {pin[1]} has no hash")
        wanted_by = tuple(name for name in _VIA.findall(details) if name not in {"via", RUNTIME_LOCK.name})
        found.append(Locked("PyPI", pin[1], pin[2], (pin[3] or "").strip(), hashes, wanted_by))
    return found


def node_packages(lock: Path) -> list[Locked]:
    """Return what a package-lock.json pins."""
    packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    return [
        Locked("npm", path.rpartition("node_modules/")[2], entry["version"])
        for path, entry in packages.items()
        if path and "version" in entry
    ]
