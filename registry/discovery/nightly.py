"""The nightly discovery: who is found and is not in the registry is registered, and an event row tells of it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from publisher.errors.kinds import AzureFailure
from registry.discovery.discover import discover, register
from registry.events import RECONCILIATION, EventsNotStored, event_about, store_events
from registry.refresh import LASTING, Change

if TYPE_CHECKING:
    from publisher.logs_endpoint import LogsEndpoint
    from publisher.resource_ids import ApplicationId
    from registry.discovery.comparison import Discovery
    from registry.refresh import Refresher

_LOGGER = logging.getLogger(__name__)
_NAMED: Final = 10
_STORING_SECONDS: Final = 60.0


class DiscoveryFailed(Exception):  # noqa: N818 - named for what happened
    """Something could not be searched, registered or told; the message says what, and names the first few."""


@dataclass(frozen=True, slots=True)
class Nightly:
    """What a nightly discovery found and did. `untold` is set when rows that tell of it were not stored."""

    found: Discovery
    registered: tuple[ApplicationId, ...]
    failures: tuple[str, ...]
    untold: str = ""

    def raise_for_failures(self) -> None:
        """Raise DiscoveryFailed for what may be our own trouble: not for a customer's closed door, which is logged."""
        problems = [*self.found.problems, *self.failures, *filter(None, (self.untold,))]
        if problems:
            raise DiscoveryFailed(_first_of(problems))


async def discover_and_register(
    refresher: Refresher, endpoint: LogsEndpoint, stream: str, *, deadline: float
) -> Nightly:
    """Register whoever is found and missing, and store a row about each; raise the AzureFailures of `discover`.

    `deadline` is in seconds of `time.monotonic`.
    """
    ends = deadline - _STORING_SECONDS
    found = await discover(refresher, deadline=ends)
    outcomes = dict(zip(found.missing, await register(refresher, found.missing, deadline=ends), strict=True))
    registered = tuple(one for one, outcome in outcomes.items() if outcome is Change.REGISTERED)
    refused = {one: outcome for one, outcome in outcomes.items() if isinstance(outcome, LASTING)}
    failures = [
        f"{one}: {outcome.code}: {outcome}"
        for one, outcome in outcomes.items()
        if isinstance(outcome, AzureFailure) and one not in refused
    ]
    failures += [f"subscription {one.subscription}: {one.problem}" for one in found.unread if not one.is_denied]
    reasons = {identity: found.missing[identity] for identity in registered}
    untold = await _tell(refresher, reasons, endpoint, stream, deadline)
    _log(found, registered)
    for one, outcome in refused.items():
        _LOGGER.warning("%s was found and cannot be registered: %s: %s", one, outcome.code, outcome)
    return Nightly(found, registered, tuple(failures), untold)


async def _tell(
    refresher: Refresher,
    reasons: dict[ApplicationId, str],
    endpoint: LogsEndpoint,
    stream: str,
    deadline: float,
) -> str:
    """Store a row about each application that was registered, and why; return why some were not stored, if so."""
    now = refresher.clock()
    events = [
        await event_about(
            refresher.registry,
            identity,
            event_type=RECONCILIATION,
            action=Change.REGISTERED,
            at=now,
            reason=reason,
        )
        for identity, reason in reasons.items()
    ]
    try:
        await store_events(events, endpoint, stream, now=now, deadline=deadline)
    except EventsNotStored as failure:
        return str(failure)
    return ""


def _log(found: Discovery, registered: tuple[ApplicationId, ...]) -> None:
    _LOGGER.info(
        "%d subscriptions searched, %d applications registered, %d registered ones not shown",
        found.searched,
        len(registered),
        len(found.unseen),
    )
    closed = [f"{one.subscription}: {one.problem}" for one in found.unread]
    if closed:
        _LOGGER.warning("%d subscriptions could not be searched: %s", len(closed), _first_of(closed))
    for note in found.notes:
        _LOGGER.info("%s", note)


def _first_of(problems: list[str]) -> str:
    more = len(problems) - _NAMED
    return "; ".join(problems[:_NAMED]) + (f"; and {more} more" if more > 0 else "")
