"""Writing what ARM says about an application to its row in the registry, for notifications and the reconciliation.

The row is read first, then ARM, then the row is written under its ETag; when somebody else wrote it in between, all of
it starts again. So the last writer has read ARM last, and the registry ends up equal to what ARM says, whatever the
order in which notifications arrive.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from publisher.errors.absence import says_gone
from publisher.errors.kinds import AzureFailure, Unusable
from publisher.resource_ids import ApplicationId, ResourceGroupId, fold
from publisher.resource_manager import Application, ResourceManager
from publisher.table import Row
from registry.existence import Answer, Existence, existence_of, is_denied
from registry.managed_application import ARM_TEXTS, ExpectedAssignment, ManagedApplication, Removal
from registry.ownership import GroupMissing, NotOurs, Ownership
from registry.policies.definition_names import DEFINITION_NAMES, DefinitionNames
from registry.policies.policy_assignments import expected_assignments, known_exemptions
from registry.registry import Registry
from registry.repeating import repeated_on_row_change
from registry.rows import UnreadableRow, application_of, event_time_of, is_tombstone, latest, registered_at_of
from registry.tombstones import AZURE, is_operators, removal_in

_INITIATIVE: Final = "/policysetdefinitions/"
LASTING: Final = (GroupMissing, NotOurs, Unusable)
"""What does not pass by itself about an application that has not been deployed just now."""

_WRITING_SECONDS: Final = 10.0
"""Seconds before the deadline that reading the assignments leaves to writing the row."""


class Change(StrEnum):
    """What became of an application's row."""

    REGISTERED = "Registered"
    UPDATED = "Updated"
    REMOVED = "Removed"
    CONFIRMED = "Confirmed"
    """ARM agrees with the registry, nothing had to be written."""
    ALIVE = "Alive"
    """An event says deleted, ARM says that the application exists; the row stays."""
    OUTDATED = "Outdated"
    """The row already has a later event."""
    ACCESS_LOST = "AccessLost"
    """ARM denies us the application; the row stays, and says since when."""
    UNUSABLE = "Unusable"
    """ARM describes the application in a way that cannot be worked with, or as not the publisher's; the row stays."""
    UNKNOWN = "Unknown"
    """The application has no row."""
    DELETION_CONFIRMED = "DeletionConfirmed"
    """ARM says that an application does not exist which was removed without its word, or had no row."""


@dataclass(frozen=True, slots=True)
class Refresher:
    """Writes what ARM says to the rows of one registry. Methods raise AzureFailures and return what they changed.

    Deadlines are in seconds of `time.monotonic`.
    """

    arm: ResourceManager
    registry: Registry
    ownership: Ownership
    names: DefinitionNames = field(default=DEFINITION_NAMES)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    @repeated_on_row_change
    async def refresh(self, asked: ApplicationId, *, event_time: datetime | None = None, deadline: float) -> Change:
        """Read the application and its assignments from ARM and write its row; a tombstone revives.

        An application that ARM is deleting is left as it is. Raises NotOurs for one that is registered for the first
        time, or got another managed resource group, and is not the publisher's.
        """
        row = await self.registry.find(asked)
        application = await self.arm.application(asked, deadline=deadline)
        return await self._write(application, row, event_time, deadline)

    @repeated_on_row_change
    async def confirm_deletion(self, asked: ApplicationId, *, event_time: datetime, deadline: float) -> Change:
        """Leave a tombstone for an application that an event says was deleted, unless ARM says that it exists.

        ARM confirms a deletion with ResourceNotFound and with the states Deleting and Deleted. Where it denies us the
        application and its managed resource group, because our permissions end with the application, the tombstone says
        that nobody confirmed the deletion. Nothing is written when the row has a later event, or where there is none.
        """
        row = await self.registry.find(asked)
        if row is None:
            return Change.UNKNOWN
        known = event_time_of(row)
        if is_tombstone(row):
            # Written for this very event, whose outcome was not told: asked again, it is the same.
            return Change.REMOVED if known == event_time else Change.CONFIRMED
        if known is not None and known > event_time:
            return Change.OUTDATED
        answer = await existence_of(self.arm, asked, _group_of(row), deadline=deadline)
        if answer.existence is Existence.ALIVE:
            return Change.ALIVE
        return await self._remove(asked, row, answer, event_time=event_time, told="Azure told of the deletion: ")

    @repeated_on_row_change
    async def reconcile(self, asked: ApplicationId, *, deadline: float) -> Change:
        """Refresh a registered application without an event.

        It is left as it is when ARM describes it unusably, as another publisher's, or in another group that does not
        exist. It is removed only when ARM says that it does not exist (`says_gone`) or is deleted.
        """
        row = await self.registry.find(asked)
        if row is None or is_tombstone(row):
            return Change.CONFIRMED
        try:
            application = await self.arm.application(asked, deadline=deadline)
        except AzureFailure as failure:
            if says_gone(failure, asked):
                return await self._remove(asked, row, _gone(failure.code))
            if is_denied(failure):
                await self.registry.note_lost_access(row, now=self.clock())
                return Change.ACCESS_LOST
            raise
        if application.is_gone:
            return await self._remove(asked, row, _gone(application.provisioning_state))
        try:
            return await self._write(application, row, None, deadline)
        except LASTING:
            return Change.UNUSABLE

    @repeated_on_row_change
    async def revisit(self, asked: ApplicationId, *, deadline: float) -> Change:
        """Read an application that was removed, or has no row, and register it when ARM says that it exists.

        A removal can be wrong: it is also written when ARM denies access, and a row can be lost. When ARM says that the
        application does not exist, its tombstone says from then on that the deletion is confirmed. One that is not the
        publisher's is left as it is.
        """
        row = await self.registry.find(asked)
        if row is not None and not is_tombstone(row):
            return Change.CONFIRMED
        try:
            application = await self.arm.application(asked, deadline=deadline)
        except AzureFailure as failure:
            if says_gone(failure, asked):
                return await self._confirm_removal(asked, row, failure.code)
            if is_denied(failure):
                return Change.CONFIRMED
            raise
        if application.is_going:
            return await self._confirm_removal(asked, row, application.provisioning_state)
        try:
            return await self._write(application, row, None, deadline)
        except LASTING:
            return Change.CONFIRMED

    @repeated_on_row_change
    async def register(self, asked: ApplicationId, *, deadline: float) -> Change:
        """Register an application that has no row, or was removed, unless an operator did that; CONFIRMED otherwise.

        Also CONFIRMED when ARM is deleting it. Raises NotOurs for one that is not the publisher's, Unusable for one
        that cannot be worked with.
        """
        row = await self.registry.find(asked)
        if row is not None and (not is_tombstone(row) or is_operators(row)):
            return Change.CONFIRMED
        return await self._write(await self.arm.application(asked, deadline=deadline), row, None, deadline)

    async def _confirm_removal(self, asked: ApplicationId, row: Row | None, said: str) -> Change:
        """Record that ARM has confirmed a removal; the time stays that of the removal."""
        known = removal_in(row) if row is not None else None
        if known is not None and known.confirmed:
            return Change.CONFIRMED
        await self._remove(asked, row, _gone(said), at=known.at if known else None)
        return Change.DELETION_CONFIRMED

    async def _remove(
        self,
        asked: ApplicationId,
        row: Row | None,
        answer: Answer,
        *,
        event_time: datetime | None = None,
        told: str = "",
        at: datetime | None = None,
    ) -> Change:
        removal = Removal(at or self.clock(), answer.existence is Existence.GONE, AZURE, told + answer.reason)
        await self.registry.remove(asked, row, removal, event_time=event_time)
        return Change.REMOVED

    async def _write(
        self, application: Application, row: Row | None, event_time: datetime | None, deadline: float
    ) -> Change:
        """Write the application's row, unless ARM is deleting the application; raise NotOurs."""
        if application.is_going:
            return Change.CONFIRMED
        await self.check_ownership(application, row, deadline)
        described = await self.described(application, row, event_time=event_time, deadline=deadline)
        await self.registry.save(described, row)
        if row is not None and not is_tombstone(row):
            return Change.UPDATED
        await self._check_new_row(application.id, deadline)
        return Change.REGISTERED

    async def check_ownership(self, application: Application, row: Row | None, deadline: float) -> None:
        """Raise NotOurs for one that is not the publisher's and that its row does not have with its managed group."""
        if row is None or _group_of(row) != application.group:
            await self.ownership.check(self.arm, application, deadline)

    async def _check_new_row(self, application_id: ApplicationId, deadline: float) -> None:
        """Read ARM again: a deletion between our reading and our writing found no row to remove."""
        row = await self.registry.find(application_id)
        try:
            await self.arm.application(application_id, deadline=deadline)
        except AzureFailure as failure:
            if not says_gone(failure, application_id):
                return  # the row says what ARM said a moment ago
            if row is not None and not is_tombstone(row):
                await self._remove(application_id, row, _gone(failure.code))
            raise

    async def described(
        self, application: Application, row: Row | None, *, event_time: datetime | None = None, deadline: float
    ) -> ManagedApplication:
        """Return what the registry should say about an application that exists, and whose row is `row`; writes nothing.

        Assignments and exemptions that cannot be read are taken from the row, unless the group changed.
        """
        group = application.group
        time_for_assignments = max(deadline - _WRITING_SECONDS, time.monotonic() + 1)
        assignments = await expected_assignments(self.arm, group, self.names, deadline=time_for_assignments)
        known = _known(row)
        same = known if known is not None and known.managed_resource_group_id == group else None
        read_at = None if assignments is None else self.clock()
        if assignments is None and same is not None:
            assignments, read_at = same.assignments, same.assignments_read_at
        before = same.exemptions if same is not None else None
        exemptions = await known_exemptions(self.arm, group, before=before, deadline=time_for_assignments)
        exemptions_read_at = None if exemptions is None else self.clock()
        if exemptions is None and same is not None:
            exemptions = same.exemptions
            exemptions_read_at = same.exemptions_read_at or same.assignments_read_at
        names = await self._definition_names(known, assignments, event_time, time_for_assignments)
        now = self.clock()
        return ManagedApplication(
            application_id=application.id,
            managed_resource_group_id=group,
            customer_name="",  # the operator's to set; never written
            **{name: getattr(application, name) for name in ARM_TEXTS},
            assignments=assignments,
            exemptions=exemptions,
            assignments_read_at=read_at,
            exemptions_read_at=exemptions_read_at,
            registered_at=_registered_at(row, now),
            definition_names=tuple(names.items()),
            # An event from the future would make every later one look outdated.
            event_time=latest(event_time_of(row) if row else None, min(event_time, now) if event_time else None),
            refreshed_at=now,
        )

    async def _definition_names(
        self,
        known: ManagedApplication | None,
        assignments: tuple[ExpectedAssignment, ...] | None,
        event_time: datetime | None,
        deadline: float,
    ) -> dict[str, str]:
        """Return the names of the definitions inside initiatives; only the reconciliation asks for known ones again."""
        before = dict(known.definition_names) if known else {}
        initiatives = [
            (one.definition_id, one.posture.definition_version if one.posture else "")
            for one in assignments or ()
            if _INITIATIVE in fold(one.definition_id)
        ]
        already = before if event_time else {}
        read = await self.names.of_members(self.arm, dict.fromkeys(initiatives), already=already, deadline=deadline)
        return read | {identity: name for identity, name in before.items() if identity not in read}


def _registered_at(row: Row | None, now: datetime) -> datetime | None:
    """Return when the application was registered anew after a confirmed removal; a row that was lost is none."""
    if row is None:
        return None
    removal = removal_in(row)
    return now if removal is not None and removal.confirmed else registered_at_of(row)


def _known(row: Row | None) -> ManagedApplication | None:
    """Return the application in a row, None for a tombstone or a row that cannot be read."""
    if row is None or is_tombstone(row):
        return None
    try:
        return application_of(row)
    except UnreadableRow:
        return None


def _group_of(row: Row) -> ResourceGroupId | None:
    known = _known(row)
    return known.managed_resource_group_id if known else None


def _gone(said: str) -> Answer:
    return Answer(Existence.GONE, f"Azure Resource Manager says {said}")
