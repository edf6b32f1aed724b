"""What an operator does to the registry: add, remove and name applications, and compare it with Azure.

Printing and asking is done in `operations`. Every write is guarded by the row's ETag, as everywhere.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any, Final, TypeVar

from publisher.errors.absence import says_gone
from publisher.errors.kinds import AzureFailure
from publisher.resource_ids import ApplicationId, ResourceGroupId, fold
from publisher.table import Row
from registry.managed_application import ARM_TEXTS, MalformedRow, ManagedApplication, Removal
from registry.reconcile import AT_ONCE, SECONDS_PER_APPLICATION
from registry.refresh import LASTING, Change, Refresher
from registry.registry import Registry
from registry.repeating import repeated_on_row_change
from registry.rows import is_tombstone

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")

_COMPARED: Final = ("managed_resource_group_id", *ARM_TEXTS, "assignments")
"""The fields that a refresh writes from what ARM says; of the others, some are the operator's and some are times."""

_IDS: Final = frozenset({"managed_resource_group_id", "definition_id"})


class NotRegistered(Exception):  # noqa: N818 - named for what it tells
    """The application has no row in the registry, or its row is a tombstone."""


class Standing(StrEnum):
    """What Azure Resource Manager says about an application."""

    ALIVE = "Alive"
    DELETING = "Deleting"
    GONE = "Gone"
    UNKNOWN = "Unknown"
    """ARM could not be asked, or denies us the application: it may exist or not."""


class Finding(StrEnum):
    """How the registry and Azure disagree about an application."""

    CHANGED = "Changed"
    """ARM says something else than the row."""
    GONE = "Gone"
    """Registered, and ARM says that it does not exist, or is deleting it."""
    UNREAD = "Unread"
    """ARM could not be asked about it, or denies it to us."""
    MALFORMED = "Malformed"
    """The row cannot be read."""
    UNUSABLE = "Unusable"
    """ARM describes it in a way that cannot be worked with, or as not ours: no command here repairs that."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One disagreement. `changes` has (field, what the registry says, what Azure says) for a CHANGED application."""

    application_id: str
    finding: Finding
    reason: str
    changes: tuple[tuple[str, str, str], ...] = ()

    @property
    def can_be_repaired(self) -> bool:
        """Whether a command here can do anything about it: not about a row that names no application."""
        lasting = self.finding in (Finding.UNREAD, Finding.UNUSABLE)
        return not lasting and self.application_id.startswith("/subscriptions/")


@dataclass(frozen=True, slots=True)
class Inventory:
    """An operator's work on one registry. Methods raise AzureFailures unless they say otherwise."""

    refresher: Refresher

    @property
    def registry(self) -> Registry:
        """The registry."""
        return self.refresher.registry

    async def add(self, application_id: ApplicationId) -> Change:
        """Register an application as ARM describes it now, or refresh it. CONFIRMED means that ARM is deleting it."""
        return await self.refresher.refresh(application_id, deadline=time.monotonic() + SECONDS_PER_APPLICATION)

    async def standing(self, application_id: ApplicationId) -> tuple[Standing, str]:
        """Return what ARM says about an application, and the reason for UNKNOWN; raises no AzureFailure."""
        try:
            application = await self.refresher.arm.application(application_id)
        except AzureFailure as failure:
            is_gone = says_gone(failure, application_id)
            return (Standing.GONE, "") if is_gone else (Standing.UNKNOWN, f"{failure.code}: {failure}")
        return (Standing.DELETING if application.is_going else Standing.ALIVE), ""

    @repeated_on_row_change
    async def remove(self, application_id: ApplicationId, *, person: str, reason: str) -> None:
        """Leave a tombstone in the place of the application's row, if any, which stops late notifications.

        A tombstone that was there says from now on that an operator removed the application.
        """
        row = await self.registry.find(application_id)
        removal = Removal(self.refresher.clock(), confirmed=True, by=person, reason=reason)
        await self.registry.remove(application_id, row, removal)

    @repeated_on_row_change
    async def name(self, application_id: ApplicationId, customer_name: str) -> None:
        """Set what the customer is called, "" for the subscription id; raise NotRegistered."""
        await self.registry.name_customer(await self._active_row(application_id), customer_name)

    async def compare(self, item: ManagedApplication | MalformedRow) -> Difference | None:
        """Return how a row differs from what ARM says now, or None; writes nothing, raises no AzureFailure."""
        if isinstance(item, MalformedRow):
            return await self._compare_malformed(item)
        identity = item.application_id
        deadline = time.monotonic() + SECONDS_PER_APPLICATION
        try:
            row = await self.registry.find(identity)
            application = await self.refresher.arm.application(identity, deadline=deadline)
            if application.is_going:
                return Difference(str(identity), Finding.GONE, f"Azure calls it {application.provisioning_state}")
            await self.refresher.check_ownership(application, row, deadline)
            described = await self.refresher.described(application, row, deadline=deadline)
        except AzureFailure as failure:
            return Difference(str(identity), _finding_of(failure, identity), f"{failure.code}: {failure}")
        changes = _changes(item, described)
        if not changes:
            return None
        return Difference(str(identity), Finding.CHANGED, ", ".join(name for name, _, _ in changes), changes)

    async def _active_row(self, application_id: ApplicationId) -> Row:
        row = await self.registry.find(application_id)
        if row is None or is_tombstone(row):
            raise NotRegistered(f"{application_id} is not in the registry")
        return row

    async def _compare_malformed(self, item: MalformedRow) -> Difference:
        """Return what is wrong with a row that cannot be read, or with what ARM says of its application."""
        finding, reason = Finding.UNREAD if item.access_lost_at else Finding.MALFORMED, item.reason
        if item.application_id is None:
            reason = f"{reason}; it names no application: correct or delete the row in the table"
        if item.application_id is not None and not item.access_lost_at:
            deadline = time.monotonic() + SECONDS_PER_APPLICATION
            try:
                application = await self.refresher.arm.application(item.application_id, deadline=deadline)
                await self.refresher.check_ownership(application, None, deadline)
            except LASTING as failure:
                finding, reason = Finding.UNUSABLE, f"{item.reason}; and {failure}"
            except AzureFailure:
                pass  # what is wrong with the row is told all the same
        return Difference(str(item.application_id or item.name), finding, reason)


def _finding_of(failure: AzureFailure, identity: ApplicationId) -> Finding:
    if isinstance(failure, LASTING):
        return Finding.UNUSABLE
    return Finding.GONE if says_gone(failure, identity) else Finding.UNREAD


def _changes(known: ManagedApplication, described: ManagedApplication) -> tuple[tuple[str, str, str], ...]:
    found = []
    for name in _COMPARED:
        before, now = getattr(known, name), getattr(described, name)
        if _comparable(name, before) != _comparable(name, now):
            found.append((name, _shown(before), _shown(now)))
    return tuple(found)


def _comparable(name: str, value: Any) -> Any:
    if name == "assignments":
        return value and {replace(one, id=fold(one.id), definition_id=fold(one.definition_id)) for one in value}
    return fold(value) if name in _IDS and isinstance(value, str) else value


def _shown(value: Any) -> str:
    if value is None:
        return "not known"
    if isinstance(value, tuple):
        return ", ".join(assignment.id.rpartition("/")[2] for assignment in value) or "none"
    return str(value)


def as_document(item: Any) -> Any:
    """Return a value for JSON: dataclasses as objects, ids as text, tuples as lists, anything else as it is."""
    if isinstance(item, ApplicationId | ResourceGroupId):
        return str(item)
    if isinstance(item, tuple | list):
        return [as_document(member) for member in item]
    if hasattr(item, "__dataclass_fields__"):
        return {field.name: as_document(getattr(item, field.name)) for field in fields(item)}
    return item


async def each(items: Iterable[_Item], work: Callable[[_Item], Awaitable[_Answer]]) -> list[_Answer]:
    """Return the answer of `work` for each item, in order; AT_ONCE of them are worked on at the same time."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(item: _Item) -> _Answer:
        async with places:
            return await work(item)

    async with asyncio.TaskGroup() as tasks:
        pending = [tasks.create_task(one(item)) for item in items]
    return [task.result() for task in pending]
