"""What each notification does, for every documented pair of event type and provisioning state (FACTS 1.2).

A notification only says when to ask ARM; what ARM answers enters the registry. Azure repeats a notification for ten
hours after an answer of 5xx or 429 and never after another 4xx (FACTS 1.5), so every temporary failure is a 503.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

from notification_endpoint.notification import Notification
from publisher.errors import AzureFailure, NotFound
from registry.refresh import Change, Refresher

_YOUNG: Final = timedelta(minutes=15)
"""For so long after its event ARM may not show a new application yet; later, a 404 means that it is gone."""

IGNORED: Final = "Ignored"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The HTTP status to answer with, what was done (a `Change` or Ignored), and why, for the log."""

    status: HTTPStatus
    action: str
    reason: str = ""


async def handle(notification: Notification, refresher: Refresher, *, now: datetime, deadline: float) -> Outcome:
    """Return what became of a valid notification; an AzureFailure becomes an outcome with status 503.

    `deadline` is in seconds of `time.monotonic`.
    """
    action = _ACTIONS.get(notification.kind)
    if action is None:
        return Outcome(HTTPStatus.OK, IGNORED, _NOTHING_TO_DO.get(notification.kind, "unknown event"))
    try:
        return await action(notification, refresher, now, deadline)
    except AzureFailure as failure:
        return Outcome(HTTPStatus.SERVICE_UNAVAILABLE, type(failure).__name__, f"{failure.code}: {failure}")


async def _refresh(notification: Notification, refresher: Refresher, now: datetime, deadline: float) -> Outcome:
    try:
        change = await refresher.refresh(
            notification.application_id, event_time=notification.event_time, deadline=deadline
        )
    except NotFound:
        if now - notification.event_time < _YOUNG:
            raise
        return Outcome(HTTPStatus.OK, IGNORED, "ARM knows no such application any more")
    if change is Change.CONFIRMED:
        return Outcome(HTTPStatus.OK, IGNORED, "ARM is deleting the application")
    return Outcome(HTTPStatus.OK, change)


async def _confirm_deletion(
    notification: Notification, refresher: Refresher, now: datetime, deadline: float
) -> Outcome:
    change = await refresher.confirm_deletion(
        notification.application_id, event_time=min(notification.event_time, now), deadline=deadline
    )
    reasons = {
        Change.CONFIRMED: "the application is not registered",
        Change.ALIVE: "ARM calls the application alive",
        Change.OUTDATED: "the registry knows of a later event",
    }
    return Outcome(HTTPStatus.OK, IGNORED if change in reasons else change, reasons.get(change, ""))


_ACTIONS: Final[dict[tuple[str, str], Callable[[Notification, Refresher, datetime, float], Awaitable[Outcome]]]] = {
    ("PUT", "Succeeded"): _refresh,
    ("PATCH", "Succeeded"): _refresh,
    ("DELETE", "Deleted"): _confirm_deletion,
    # The application stays, and its deployment may have been told while ARM was deleting it.
    ("DELETE", "Failed"): _refresh,
}
_NOTHING_TO_DO: Final = {
    ("PUT", "Accepted"): "the deployment has begun",
    ("PUT", "Failed"): "the deployment failed",
    ("DELETE", "Deleting"): "the deletion has begun",
}
