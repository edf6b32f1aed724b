"""What became of an application in a run (column Outcome of PolicyCollectionResults_CL)."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Outcome(StrEnum):
    """What became of an application in a run."""

    SUCCEEDED = "Succeeded"
    """Every page was read and every state was uploaded."""
    NO_STATES = "NoStates"
    """Azure Policy has no state of the application's own assignments: they are not evaluated."""
    ACCESS_DENIED = "AccessDenied"
    """The publisher's service principal may not read the managed resource group, or cannot see its subscription."""
    NOT_FOUND = "NotFound"
    """Azure Resource Manager says that the managed resource group does not exist."""
    BLOCKED = "Blocked"
    """The customer's subscription or group is disabled, locked, being deleted, or not registered for Azure Policy."""
    THROTTLED = "Throttled"
    """Azure Resource Manager kept answering 429."""
    FAILED = "Failed"
    """The states were not all read for any other reason."""
    UPLOAD_FAILED = "UploadFailed"
    """The states were read, but rows of this application were not stored."""
    SKIPPED = "Skipped"
    """The run's deadline passed before the states were read."""
    VANISHED = "Vanished"
    """The ledger knows the application, the registry has no row of it, and nobody confirmed that it was deleted."""
    LEFT = "Left"
    """ARM confirmed the deletion of the application, or an operator removed it: what was open about it has ended."""
    LEFT_UNCONFIRMED = "LeftUnconfirmed"
    """Azure told of the deletion, and ARM has denied us the application and its group since; it is looked at again."""


READ_OUTCOMES: Final = frozenset({Outcome.SUCCEEDED, Outcome.NO_STATES})
"""Outcomes of a complete read: its states can be judged."""

CUSTOMER_OUTCOMES: Final = frozenset({Outcome.ACCESS_DENIED, Outcome.NOT_FOUND, Outcome.BLOCKED, Outcome.VANISHED})
"""Outcomes whose cause is at the customer: they have an alert, and do not fail the run."""

ENDED_OUTCOMES: Final = frozenset({Outcome.LEFT, Outcome.LEFT_UNCONFIRMED})
"""Outcomes of applications that are no longer collected; they count neither as read nor as failed."""
