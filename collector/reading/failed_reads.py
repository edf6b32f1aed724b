"""What a failure makes of reading a managed resource group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from publisher.errors.absence import says_gone
from publisher.errors.kinds import AccessDenied, Blocked, DeadlineExceeded, Throttled
from verdicts.outcome import Outcome

if TYPE_CHECKING:
    from publisher.errors.kinds import AzureFailure
    from publisher.resource_ids import ResourceGroupId

_OUTCOMES: Final = (
    (AccessDenied, Outcome.ACCESS_DENIED),
    (Blocked, Outcome.BLOCKED),
    (Throttled, Outcome.THROTTLED),
    (DeadlineExceeded, Outcome.SKIPPED),
)


def outcome_of(failure: AzureFailure, group: ResourceGroupId) -> Outcome:
    """Return what a failure makes of reading this managed resource group."""
    if says_gone(failure, group):
        return Outcome.NOT_FOUND
    return next((outcome for kind, outcome in _OUTCOMES if isinstance(failure, kind)), Outcome.FAILED)
