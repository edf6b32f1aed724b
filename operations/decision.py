"""Who decides something, why, and whether they are sure."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from operations.report import BadUsage, Refused

if TYPE_CHECKING:
    import argparse

    from operations.report import Console

_SIGNED_IN: Final = ("LOGNAME", "USER", "LNAME", "USERNAME")


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's name and reason, as the ledger, the registry and the table of events have them."""

    person: str
    reason: str

    @classmethod
    def of(cls, options: argparse.Namespace) -> Decision:
        """Return the decision in the options; the person is by default the signed-in user. Raise BadUsage."""
        signed_in = (os.environ.get(name, "").strip() for name in _SIGNED_IN)
        person = options.person or next(filter(None, signed_in), "")
        if not person:
            raise BadUsage("--person is missing: say who you are")
        return cls(person, options.reason)

    def __str__(self) -> str:
        return f"{self.person}, because: {self.reason}" if self.reason else self.person


def make_sure(question: str, decision: Decision, options: argparse.Namespace, console: Console) -> None:
    """Say who does it and why, and ask whether they are sure, unless the options say so; raise BadUsage or Refused."""
    console.say(f"Decided by {decision}")
    if options.yes or console.confirm(question):
        return
    if not sys.stdin.isatty():
        raise BadUsage("not done: say --yes, there is no terminal to ask on")
    raise Refused("not done")
