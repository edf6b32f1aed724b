"""What a page names as evidence, in backticks: a file, or a test as file and function."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).resolve().parents[2]
_SPAN = re.compile(r"`([^`]+)`")


def spans(cell: str) -> list[str]:
    """Return what stands in backticks."""
    return _SPAN.findall(cell)


def without_spans(cell: str) -> str:
    """Return a cell without what stands in backticks and without what separates it."""
    return re.sub(r"`[^`]+`|[\s,.()]", "", cell)


def not_there(named: list[str]) -> Iterator[str]:
    """Yield each file that does not exist, and each test function that its file does not have."""
    for file, _, test in (one.partition("::") for one in named):
        if not (PROJECT / file).is_file():
            yield f"there is no {file}"
        elif test and not re.search(rf"^ *(?:async )?def {test}\(", (PROJECT / file).read_text(), re.MULTILINE):
            yield f"{file} has no {test}"
