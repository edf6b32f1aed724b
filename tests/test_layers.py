"""The rooms of the house, and the arrows between them: down only, and never in a circle.

    function_app.py, with the rooms of its role               operations/        sandbox/   checks/   bench/
          │                                                      │                    (over everything)
          ├──────────────┬───────────────────┬──────────────┐    │
          ▼              │                   ▼              ▼    │
    collector/           │   notification_endpoint/  compliance_api/
      fan_out/           │                   │              │    │
      reading/           │        front      │      api     │    │
      reporting/         │                   │              │    │
          │              │                   │              │    │
          ▼              │                   │              │    │
    verdicts/            │                   │              │    │
      guard/             │                   │              │    │
          │              │                   │              │    │
          ▼              ▼                   │              │    │
    registry/  ◀─────────────────────────────┼──────────────┼────┘
      notifications/             worker      │              │
          │                                  │              │
          ▼                                  ▼              ▼
    publisher/  (ground floor: settings, identities, Azure clients, messages between roles, retries, errors)

An arrow says that one room imports from another; operations/ also imports from compliance_api/, because its doctor
and its estimate of costs ask the workspace as the api does, and from collector/, because what acts at a customer collects
what came of it. Imports for type checkers and imports inside functions count as well.
Inside a folder with folders of its own, each folder and each file beside them is a room.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

BELOW: Mapping[str, set[str]] = {
    "publisher": set(),
    "registry": {"publisher"},
    "verdicts": {"registry", "publisher"},
    "notification_endpoint": {"publisher"},
    "compliance_api": {"publisher"},
    "collector": {"verdicts", "registry", "publisher"},
    "operations": {"collector", "compliance_api", "verdicts", "registry", "publisher"},
    "function_app": {"collector", "compliance_api", "notification_endpoint", "publisher", "registry", "verdicts"},
    # What proves and plays the product stands over it; the product knows nothing of that.
    "infra": set(),
    "sandbox": set(),
    "checks": {"compliance_api", "infra", "publisher", "sandbox", "verdicts"},
    "bench": {
        "checks",
        "collector",
        "compliance_api",
        "function_app",
        "notification_endpoint",
        "operations",
        "publisher",
        "registry",
        "sandbox",
        "verdicts",
    },
}
"""What each top-level room may import from."""

COLLECTOR = ("collector/fan_out", "collector/reading", "collector/reporting")
"""The collector's rooms from the top down; what stands beside them (run, commands, triggers) is over all of them."""

MOST_FILES = 17
"""A folder of more than about fifteen files wants parts."""


def files() -> Iterator[Path]:
    for name in BELOW:
        path = ROOT / name
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_of(path): path for path in files() if "node_modules" not in path.parts}


def imported(path: Path) -> set[str]:
    """The project's own modules that a file imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative imports hide where an arrow goes"
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {name for name in names if name in MODULES and not is_folder(name)} - {module_of(path)}


def is_folder(module: str) -> bool:
    return MODULES[module].name == "__init__.py"


ARROWS = {module: imported(path) for module, path in MODULES.items()}


def room_of(module: str) -> str:
    """The folder of a module; the file itself where the folder has folders of its own."""
    folder = MODULES[module].parent
    has_rooms = folder == ROOT or any(part.name == "__init__.py" for part in folder.glob("*/__init__.py"))
    return str((MODULES[module] if has_rooms else folder).relative_to(ROOT))


def assert_no_circle(arrows: Mapping[str, set[str]]) -> None:
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        pytest.fail(f"a circle: {' -> '.join(reversed(error.args[1]))}")


def test_no_files_import_each_other() -> None:
    assert_no_circle(ARROWS)


def test_no_rooms_import_each_other() -> None:
    rooms: dict[str, set[str]] = {}
    for module, targets in ARROWS.items():
        rooms.setdefault(room_of(module), set()).update(room_of(target) for target in targets)
    assert_no_circle({room: targets - {room} for room, targets in rooms.items()})


@pytest.mark.parametrize("room", BELOW)
def test_a_room_imports_only_from_rooms_below(room: str) -> None:
    wrong = {
        f"{module} imports {target}"
        for module, targets in ARROWS.items()
        if module.partition(".")[0] == room
        for target in targets
        if target.partition(".")[0] not in {room, *BELOW[room]}
    }
    assert wrong == set()


def test_the_collectors_rooms_stand_over_each_other() -> None:
    for module, targets in ARROWS.items():
        room = room_of(module)
        if room in COLLECTOR:
            allowed = COLLECTOR[COLLECTOR.index(room) :]
            above = {target for target in targets if target.startswith("collector.") and room_of(target) not in allowed}
            assert above == set(), f"{module} reaches up"


def test_every_arrow_that_is_allowed_is_used() -> None:
    used = {
        (module.partition(".")[0], target.partition(".")[0]) for module, targets in ARROWS.items() for target in targets
    }
    assert {(room, below) for room, rooms in BELOW.items() for below in rooms} - used == set()


def test_no_folder_holds_more_files_than_a_stranger_can_survey() -> None:
    folders = {path.parent for path in MODULES.values()} - {ROOT}
    crowded = {
        str(folder.relative_to(ROOT)): count
        for folder in folders
        if (count := len([path for path in folder.glob("*.py") if path.name != "__init__.py"])) > MOST_FILES
    }
    assert crowded == {}


@pytest.mark.parametrize("room", BELOW)
def test_a_file_that_is_named_in_the_code_is_there(room: str) -> None:
    named = re.compile(rf"(?<![\w/.-])(?:{'|'.join(BELOW)}|tests)/[\w/]+\.(?:py|json|kql|bicep|js|md)\b")
    missing = {
        f"{path.relative_to(ROOT)}: {name}"
        for module, path in MODULES.items()
        if module.partition(".")[0] == room
        for name in named.findall(path.read_text(encoding="utf-8"))
        if not (ROOT / name).exists()
    }
    assert missing == set()
