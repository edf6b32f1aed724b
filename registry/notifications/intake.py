"""Takes a notification from the queue: the application waits to be asked about, and a row tells of the event."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from publisher.configuration.offers import Offers
from publisher.errors.kinds import AzureFailure
from publisher.logs_endpoint import LogsEndpoint
from publisher.notifications import MalformedMessage, Notification, notification_in
from publisher.resource_ids import fold
from publisher.texts import printable
from registry.notifications.bounds import (
    MOST_ABOUT_ONE,
    MOST_ABOUT_STRANGERS,
    NO_PLACE,
    STRANGERS,
    Bounds,
    is_told,
)
from registry.notifications.events import (
    IGNORED,
    NOT_OURS,
    NOT_TOLD,
    PENDING,
    SUPERSEDED,
    Outcome,
    event_id,
    event_row,
    not_told_row,
)
from registry.notifications.pending import Pending
from registry.notifications.pending_table import PendingTable
from registry.registry import Registry
from registry.rows import customer_name_of

_LOGGER = logging.getLogger(__name__)
_SECONDS: Final = 60.0
_MOST_SKEW: Final = timedelta(minutes=5)
"""How far the clocks of front and worker may differ: a later receipt than that was not the webhook's to write."""

_NOT_ASKED: Final = "Azure Resource Manager has not been asked yet"
_LATER: Final = "a later event of the application was told before ARM was asked about this one"

ASKED_ABOUT: Final = frozenset(
    {("PUT", "Succeeded"), ("PATCH", "Succeeded"), ("DELETE", "Deleted"), ("DELETE", "Failed")}
)
"""The documented pairs of event type and state (FACTS 1.2) after which the registry may have to change."""

_NOTHING_TO_DO: Final = {
    ("PUT", "Accepted"): "the deployment has begun",
    ("PUT", "Failed"): "the deployment failed",
    ("DELETE", "Deleting"): "the deletion has begun",
}


@dataclass(frozen=True, slots=True)
class Intake:
    """Takes messages in.

    Args:
        registry: names the customers.
        pending: where applications wait.
        endpoint: the data collection rule.
        stream: that of the events.
        offers: what the publisher sells.
        bounds: of what one instance tells and keeps.
        clock: aware UTC time.
    """

    registry: Registry
    pending: PendingTable
    endpoint: LogsEndpoint
    stream: str
    offers: Offers
    bounds: Bounds
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def take(self, message: bytes) -> Outcome | None:
        """Take one message; None for one that no webhook of ours sent, which is logged and dropped.

        Raises the AzureFailure of storage or of the ingestion: then the message has to be delivered again.
        """
        try:
            notification = notification_in(message)
        except MalformedMessage as error:
            _LOGGER.error("a message that no webhook sent was dropped: %s", error)  # noqa: TRY400 - it says it all
            return None
        now = self.clock()
        if notification.received_at > now + _MOST_SKEW:
            notification = replace(notification, received_at=now, event_time=min(notification.event_time, now))
        outcome = await self._taken(notification, now)
        _LOGGER.info(
            "notification %s: %s/%s for %s: %s%s",
            printable(notification.correlation_id, longest=32),
            *(printable(part, longest=32) for part in notification.kind),
            notification.application_id,
            outcome.action,
            f" ({outcome.reason})" if outcome.reason else "",
        )
        return outcome

    async def _taken(self, notification: Notification, now: datetime) -> Outcome:
        """Let an application wait that has to be asked about, and tell of the notification, within the bounds."""
        try:
            row = await self.registry.find(notification.application_id)
            is_stranger = row is None
        except AzureFailure:
            row, is_stranger = None, False  # the event itself is worth more than what the registry says
        about, most = (STRANGERS, MOST_ABOUT_STRANGERS) if is_stranger else (_name_of(notification), MOST_ABOUT_ONE)
        with self.bounds.counted(about, most, now) as above:
            if above and is_stranger:
                return await self._not_told(about, above, now)
            outcome = outcome_without_asking(notification, self.offers)
            if is_stranger and outcome is None and await self.bounds.is_full(self.pending, now):
                with self.bounds.counted(NO_PLACE, 0, now) as without_place:
                    return await self._not_told(NO_PLACE, without_place, now)
            name = customer_name_of(row) if row else ""

            async def tell_superseded(waiting: Pending) -> None:
                """Tell of what loses its place before it does: nobody will know of it when the message comes again."""
                if not above:
                    told = waiting.answer or Outcome(SUPERSEDED, _LATER)
                    await self._tell(waiting.notification, told, self.clock(), name)

            if outcome is None:
                outcome = _beside(notification, await self.pending.note(notification, now, superseding=tell_superseded))
            # As of before it waited: whatever ARM answers to somebody who asks meanwhile is later.
            if above:
                await self._tell_count(about, above, now)
            else:
                await self._tell(notification, outcome, now, name)
            return outcome

    async def _not_told(self, about: str, above: int, now: datetime) -> Outcome:
        await self._tell_count(about, above, now)
        return Outcome(NOT_TOLD, f"there were too many about {about}")

    async def _tell(self, notification: Notification, outcome: Outcome, now: datetime, name: str) -> None:
        await self._upload(event_row(notification, outcome, stored_at=now, customer_name=name))

    async def _tell_count(self, about: str, above: int, now: datetime) -> None:
        if is_told(above):
            await self._upload(not_told_row(about, above, at=now))

    async def _upload(self, row: dict[str, Any]) -> None:
        await self.endpoint.upload_rows(self.stream, [row], deadline=time.monotonic() + _SECONDS)


def _name_of(notification: Notification) -> str:
    return fold(str(notification.application_id))


def _beside(notification: Notification, before: Pending | None) -> Outcome:
    """Return what becomes of a notification beside what waited before: of two events the later one is asked about."""
    if before is None or before.superseded_by(notification) or event_id(before.notification) == event_id(notification):
        return Outcome(PENDING, error=_NOT_ASKED)
    return Outcome(SUPERSEDED, _LATER)


def outcome_without_asking(notification: Notification, offers: Offers) -> Outcome | None:
    """Return what becomes of a notification about which ARM need not be asked, None when it has to be.

    Whether a deletion concerns us is what the registry says: its plan is not looked at.
    """
    is_told = notification.plan_publisher or notification.plan_product or notification.application_definition_id
    event_type = notification.kind[0]
    if event_type in ("PUT", "PATCH") and is_told and not _is_included(notification, offers):
        return Outcome(NOT_OURS, "OFFERS includes neither the plan nor the definition that the notification names")
    if notification.kind not in ASKED_ABOUT:
        return Outcome(IGNORED, _NOTHING_TO_DO.get(notification.kind, "unknown event"))
    return None


def _is_included(notification: Notification, offers: Offers) -> bool:
    return offers.include(
        publisher=notification.plan_publisher,
        product=notification.plan_product,
        definition_id=notification.application_definition_id,
    )
