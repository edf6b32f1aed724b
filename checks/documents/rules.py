"""The rules that every command of the project keeps: each takes a bash text and yields line and reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.documents.dumps import disclosures
from checks.documents.pins import open_ends
from checks.documents.secrets import exposures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RULES: Final[tuple[Callable[[str], Iterator[tuple[int, str]]], ...]] = (exposures, disclosures, open_ends)
