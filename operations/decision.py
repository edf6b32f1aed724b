"""Who decides something, why, and whether they are sure."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from operations.report import BadUsage, Refused

if TYPE_CHECKING:
    import argparse

    from operations.report import Console

_NOBODY: Final = frozenset({"", "root"})
"""Names that tell nothing about who it was; in a container everybody is root."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's name and reason, as the ledger, the registry and the table of events have them."""

    person: str
    reason: str

    @classmethod
    def of(cls, options: argparse.Namespace, *, by_anybody: bool = False) -> Decision:
        """Return the decision in the options; the person is by default the signed-in user.

        Raises BadUsage when that is nobody's name, unless the command may be run by anybody, such as a script.
        """
        person = options.person or signed_in()
        if not by_anybody and person in _NOBODY:
            raise BadUsage(f"--person is missing: {person or 'nobody'} is signed in, say who you are")
        return cls(person, options.reason or "")

    def __str__(self) -> str:
        return f"{self.person}, because: {self.reason}" if self.reason else self.person


def signed_in() -> str:
    """Return the name of the signed-in user: by the environment, else by the system; "" when neither knows one."""
    try:
        return getpass.getuser().strip()
    except (ImportError, KeyError, OSError):
        return ""


def make_sure(question: str, decision: Decision, options: argparse.Namespace, console: Console) -> None:
    """Say who does it and why, and ask whether they are sure, unless the options say so; raise BadUsage or Refused."""
    console.say(f"Decided by {decision}")
    if options.yes or console.confirm(question):
        return
    if not console.can_ask:
        raise BadUsage("not done: say --yes, there is no terminal to ask on")
    raise Refused("not done")
