"""What a command changes, and with which options it changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import argparse


class Reach(StrEnum):
    """How far the changes of a command reach."""

    NOTHING = "nothing"
    OURS = "ours"
    """Registry, ledger, what waits: what this installation remembers."""
    CUSTOMERS = "customers"
    """What is deployed at a customer, too."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What a command changes; by default something, so that a command which says nothing about it is audited.

    Args:
        reach: how far.
        unless: names of options with which it changes nothing.
        only_with: the name of an option without which it changes nothing.
    """

    reach: Reach = Reach.OURS
    unless: tuple[str, ...] = ()
    only_with: str = ""

    def made_by(self, options: argparse.Namespace) -> Reach:
        """Return what the command changes with these options."""
        is_looking = any(getattr(options, name) for name in self.unless)
        lacks = self.only_with and not getattr(options, self.only_with)
        return Reach.NOTHING if is_looking or lacks else self.reach


NOTHING: Final = Changes(Reach.NOTHING)
