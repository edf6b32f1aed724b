"""Bringing a registry row in line with ARM: what the webhook and the reconciliation both do.

The row is read first, then ARM, then the row is written under its ETag; when somebody else wrote it meanwhile, all of
it starts again. So whoever writes last has seen the latest, and the registry ends up equal to what ARM says, whatever
the order in which notifications arrive.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, TypeVar

from publisher.errors import AzureFailure, MalformedAnswer, NotFound, TransientFailure, is_out_of_reach
from publisher.resource_ids import ApplicationId, fold
from publisher.resource_manager import Application, ResourceManager
from publisher.table import Row, RowChanged
from registry.definition_names import DEFINITION_NAMES, DefinitionNames
from registry.managed_application import ExpectedAssignment, ManagedApplication
from registry.policy_assignments import expected_assignments
from registry.registry import Registry
from registry.rows import UnreadableRow, application_of, event_time_of, is_tombstone

_GONE_CODES: Final = frozenset({"ResourceNotFound", "ResourceGroupNotFound"})
_SET: Final = "/policysetdefinitions/"
_Answer = TypeVar("_Answer")
_TRIES: Final = 8
_CLOSING_SECONDS: Final = 10.0
"""What is kept back from the deadline for writing the row, when reading the assignments takes long."""


class Change(StrEnum):
    """What became of an application's row."""

    REGISTERED = "Registered"
    UPDATED = "Updated"
    REMOVED = "Removed"
    CONFIRMED = "Confirmed"
    """ARM agrees with the registry, nothing had to be written."""
    ALIVE = "Alive"
    """ARM contradicts a deletion; the row stays."""
    OUTDATED = "Outdated"
    """The registry already knows of a later event."""
    ACCESS_LOST = "AccessLost"
    """ARM refuses us the application; the row stays, and says since when."""


@dataclass(frozen=True, slots=True)
class Refresher:
    """Keeps rows of one registry equal to what one client of ARM says. Methods raise AzureFailures.

    Deadlines are in seconds of `time.monotonic`.
    """

    arm: ResourceManager
    registry: Registry
    names: DefinitionNames = field(default=DEFINITION_NAMES)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def refresh(self, asked: ApplicationId, *, event_time: datetime | None = None, deadline: float) -> Change:
        """Read the application and its assignments from ARM and write its row; a tombstone revives.

        An application that ARM is deleting is left as it is. NotFound and AccessDenied are raised: what they mean,
        the caller knows. But an application that an event tells of and that ARM refuses us is not forgotten: it gets
        a row that says so, until it can be read or is deleted.
        """

        async def once() -> Change:
            row = await self.registry.find(asked)
            try:
                application = await self.arm.application(asked, deadline=deadline)
            except AzureFailure as failure:
                is_refused = is_out_of_reach(failure) and not isinstance(failure, NotFound)
                if event_time is not None and is_refused:
                    now = self.clock()
                    await self.registry.note_unreached(asked, row, event_time=min(event_time, now), now=now)
                raise
            return (
                Change.CONFIRMED if application.is_going else await self._write(application, row, event_time, deadline)
            )

        return await until_unchallenged(once)

    async def confirm_deletion(self, asked: ApplicationId, *, event_time: datetime, deadline: float) -> Change:
        """Leave a tombstone for an application of which an event says that it was deleted, unless ARM calls it alive.

        ARM confirms with 404, with the states Deleting and Deleted, and by shutting us out, because our rights end with
        the application. Nothing is written when the registry knows of a later event. An application that is not
        registered leaves a tombstone too: an earlier event that comes later must not bring it back.
        """

        async def once() -> Change:
            row = await self.registry.find(asked)
            if row is None:
                await self.registry.note_deletion(asked, event_time=event_time)
                return Change.CONFIRMED
            if is_tombstone(row):
                return Change.CONFIRMED
            if (told := event_time_of(row)) is not None and told > event_time:
                return Change.OUTDATED
            try:
                if not (await self.arm.application(asked, deadline=deadline)).is_going:
                    return Change.ALIVE
            except AzureFailure as failure:
                if not (isinstance(failure, NotFound) or is_out_of_reach(failure)):
                    raise
            return await self._remove(row, event_time)

        return await until_unchallenged(once)

    async def reconcile(self, asked: ApplicationId, *, deadline: float) -> Change:
        """Refresh a registered application without any event: find out by itself what became of it.

        Only ARM's own word that it does not exist removes it (`is_gone`).
        """

        async def once() -> Change:
            row = await self.registry.find(asked)
            if row is None or is_tombstone(row):
                return Change.CONFIRMED
            try:
                application = await self.arm.application(asked, deadline=deadline)
            except AzureFailure as failure:
                if is_gone(failure):
                    return await self._remove(row, None)
                if is_out_of_reach(failure):
                    await self.registry.note_lost_access(row, now=self.clock())
                    return Change.ACCESS_LOST
                raise
            if application.is_gone:
                return await self._remove(row, None)
            return Change.CONFIRMED if application.is_going else await self._write(application, row, None, deadline)

        return await until_unchallenged(once)

    async def revisit(self, asked: ApplicationId, *, deadline: float) -> Change:
        """Look again at an application that left: one that ARM calls alive is registered again.

        A deletion is also believed when ARM shuts us out, and an event can be forged or its successor lost: so that
        nobody stays out of monitoring for it, what was believed is looked at again.
        """

        async def once() -> Change:
            row = await self.registry.find(asked)
            if row is None or not is_tombstone(row):
                return Change.CONFIRMED
            try:
                application = await self.arm.application(asked, deadline=deadline)
            except AzureFailure as failure:
                if isinstance(failure, NotFound) or is_out_of_reach(failure):
                    return Change.CONFIRMED
                raise
            return Change.CONFIRMED if application.is_going else await self._write(application, row, None, deadline)

        return await until_unchallenged(once)

    async def _remove(self, row: Row, event_time: datetime | None) -> Change:
        await self.registry.tombstone(row, event_time=event_time, now=self.clock())
        return Change.REMOVED

    async def _write(
        self, application: Application, row: Row | None, event_time: datetime | None, deadline: float
    ) -> Change:
        described = await self.described(application, row, event_time=event_time, deadline=deadline)
        await self.registry.save(described, row)
        if row is None or is_tombstone(row):
            await self._check_new_row(application.id, deadline)
        return Change.REGISTERED if row is None or is_tombstone(row) else Change.UPDATED

    async def _check_new_row(self, application_id: ApplicationId, deadline: float) -> None:
        """Look once more: a deletion that was told between our two steps found no row to remove."""
        row = await self.registry.find(application_id)
        try:
            await self.arm.application(application_id, deadline=deadline)
        except NotFound:
            if row is not None and not is_tombstone(row):
                await self._remove(row, None)
            raise
        except AzureFailure:
            return  # the row is right by what we know; ARM being out of reach now does not unmake it

    async def described(
        self, application: Application, row: Row | None, *, event_time: datetime | None = None, deadline: float
    ) -> ManagedApplication:
        """Return what the registry should say about a living application, whose row is `row`; writes nothing.

        Assignments that cannot be read now stay those of the row, unless the managed resource group is another one.
        """
        group = application.managed_resource_group_id
        if group is None:
            raise MalformedAnswer("ARM names no managed resource group", code="MalformedAnswer")
        time_for_assignments = max(deadline - _CLOSING_SECONDS, time.monotonic() + 1)
        assignments = await expected_assignments(self.arm, group, self.names, deadline=time_for_assignments)
        known = _known(row)
        if assignments is None and known is not None and known.managed_resource_group_id == group:
            assignments = known.assignments
        names = await self._definition_names(known, assignments, event_time, time_for_assignments)
        now = self.clock()
        # An event from the future would make every later one look outdated.
        moments = [event_time_of(row) if row else None, min(event_time, now) if event_time else None]
        return ManagedApplication(
            application_id=application.id,
            managed_resource_group_id=group,
            customer_name="",  # the operator's to set; never written
            plan_publisher=application.plan_publisher,
            plan_product=application.plan_product,
            plan_name=application.plan_name,
            plan_version=application.plan_version,
            definition_id=application.definition_id,
            location=application.location,
            kind=application.kind,
            provisioning_state=application.provisioning_state,
            assignments=assignments,
            definition_names=tuple(names.items()),
            event_time=max((moment for moment in moments if moment), default=None),
            refreshed_at=now,
        )

    async def _definition_names(
        self,
        known: ManagedApplication | None,
        assignments: tuple[ExpectedAssignment, ...] | None,
        event_time: datetime | None,
        deadline: float,
    ) -> dict[str, str]:
        """Return the names of the rules inside initiatives; only the reconciliation asks for known ones again."""
        before = dict(known.definition_names) if known else {}
        sets = dict.fromkeys(one.definition_id for one in assignments or () if _SET in fold(one.definition_id))
        already = before if event_time else {}
        read = await self.names.of_members(self.arm, sets, already=already, deadline=deadline)
        return read | {identity: name for identity, name in before.items() if identity not in read}


def _known(row: Row | None) -> ManagedApplication | None:
    if row is None or is_tombstone(row):
        return None
    try:
        return application_of(row)
    except UnreadableRow:
        return None


def is_gone(failure: AzureFailure) -> bool:
    """Tell whether ARM itself says that an application, or its resource group, does not exist.

    A subscription that is not found may as well be out of our sight (FACTS 5.3), and a 404 without ARM's words may be
    anybody's.
    """
    return isinstance(failure, NotFound) and failure.code in _GONE_CODES


async def until_unchallenged(once: Callable[[], Awaitable[_Answer]]) -> _Answer:
    """Return what `once` returns: it reads a row and writes it, and starts again when somebody else wrote meanwhile."""
    for number in range(_TRIES):
        try:
            return await once()
        except RowChanged:
            longest = min(0.02 * 2**number, 0.3)
            await asyncio.sleep(random.random() * longest)  # noqa: S311 - spreads rivals, guards nothing
    raise TransientFailure("the registry row is being written by others all the time", code="RegistryBusy")
