"""An application that a notification told of and that ARM has not yet answered about: when to ask, and for how long."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from publisher.errors.kinds import AccessDenied, AzureFailure, NotFound, NotProjected, Unusable, is_our_own
from publisher.notifications import Notification
from publisher.resource_ids import ApplicationId
from registry.notifications.events import Outcome

FIRST_WAIT: Final = timedelta(minutes=1)
LONGEST_WAIT: Final = timedelta(minutes=30)
OFTEN_FOR: Final = timedelta(hours=10)
"""As long as Azure itself would repeat a notification (FACTS 1.5)."""

DAILY: Final = timedelta(days=1)
UNKNOWN_FOR: Final = timedelta(days=30)
"""How long ARM is asked about an application that it does not let us see at all."""

DELETED: Final = ("DELETE", "Deleted")
_MOST_DOUBLINGS: Final = 16


@dataclass(frozen=True, slots=True)
class Pending:
    """One application that waits.

    `notification` is its latest event. `first_received_at` is when the worker took that in, `due_at` when ARM is to be
    asked next, `attempts` how often it was asked, `last_error` why that did not help, "" before the first attempt.
    `answer` is what became of the event, once ARM has answered and until that is told.
    """

    notification: Notification
    first_received_at: datetime
    due_at: datetime
    attempts: int = 0
    last_error: str = ""
    answer: Outcome | None = None

    @property
    def application_id(self) -> ApplicationId:
        """The application."""
        return self.notification.application_id

    def superseded_by(self, notification: Notification) -> bool:
        """Tell whether a notification tells of a later event than the one that waits."""
        return notification.event_time > self.notification.event_time

    def is_daily(self, now: datetime) -> bool:
        """Tell whether the hours are over in which ARM is asked often."""
        return now - self.first_received_at >= OFTEN_FOR

    def after_failure(self, failure: AzureFailure, now: datetime) -> "Pending":
        """Return what waits after ARM was asked and did not answer; what is lasting is asked about daily at once."""
        wait = min(FIRST_WAIT * 2 ** min(self.attempts, _MOST_DOUBLINGS), LONGEST_WAIT)
        return replace(
            self,
            due_at=now + (DAILY if self.is_daily(now) or isinstance(failure, Unusable) else wait),
            attempts=self.attempts + 1,
            last_error=f"{failure.code}: {failure}",
        )

    def answered(self, answer: Outcome, now: datetime) -> "Pending":
        """Return what waits after ARM has answered: that its answer is told. Until then it is due again in a minute."""
        untold = f"ARM has answered ({answer.action}), and the event that says so is not stored yet"
        return replace(self, due_at=now + FIRST_WAIT, attempts=self.attempts + 1, last_error=untold, answer=answer)

    def is_given_up(self, failure: AzureFailure, now: datetime) -> bool:
        """Tell whether it is of no use to ask again about an application that is not registered.

        ARM does not let us see it: for ten hours after a deletion, for a month after any other event, such as a
        deletion that failed. One that ARM knows and refuses us (locked, or its plan gives us no rights) is asked about
        for ever, and so is one about which ARM said nothing, or while our own storage refuses us.
        """
        if is_our_own(failure) or not isinstance(failure, NotFound | AccessDenied):
            return False
        waited = now - self.first_received_at
        if self.notification.kind == DELETED:
            return waited >= OFTEN_FOR
        is_refused = isinstance(failure, AccessDenied) and not isinstance(failure, NotProjected)
        return not is_refused and waited >= UNKNOWN_FOR


def waiting(notification: Notification, now: datetime) -> Pending:
    """Return what waits when a notification was taken in."""
    return Pending(notification, first_received_at=now, due_at=now)
