"""The check of the registry: whether it can be read and written, and what is in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from operations.doctor.checks import Check, Verdict
from operations.doctor.offers import is_foreign
from operations.doctor.places import tables_of
from operations.doctor.probe import MOST_COMPARED
from publisher.errors.kinds import AzureFailure
from registry.managed_application import MalformedRow, ManagedApplication

if TYPE_CHECKING:
    from publisher.configuration.offers import Offers
    from publisher.configuration.resource_settings import Storage
    from publisher.resource_ids import ApplicationId
    from registry.registry import Registry


@dataclass(slots=True)
class Registered:
    """What was found: checks, the applications whose policy states to read, and those that are not the publisher's.

    `compared` are the applications for the check of the probe: the chosen one, else the first ones.
    """

    checks: list[Check]
    chosen: list[ManagedApplication] = field(default_factory=list)
    foreign: list[ManagedApplication] = field(default_factory=list)
    compared: list[ManagedApplication] = field(default_factory=list)


async def examine_registry(
    registry: Registry, storage: Storage, offers: Offers | None, *, only: ApplicationId | None, everything: bool
) -> Registered:
    """Return what was found about the registry; `offers` is None when the setting is not right.

    `only` is whose policy states to read, None for the first application or, with `everything`, for every one.
    """
    count, malformed, found = 0, list[MalformedRow](), Registered([])
    try:
        async for item in registry.applications():
            count += 1
            if isinstance(item, MalformedRow):
                malformed.append(item)
                continue
            if item.application_id == only or (only is None and (everything or not found.chosen)):
                found.chosen.append(item)
            if item.application_id == only or (only is None and len(found.compared) < MOST_COMPARED):
                found.compared.append(item)
            if offers is not None and is_foreign(item, offers):
                found.foreign.append(item)
    except AzureFailure as failure:
        return Registered([Check.of_failure("registry: read", failure, tables_of(storage))])
    found.checks = [_counted(count), *map(_malformed, malformed)]
    if only and not found.chosen:
        found.checks.append(Check(f"application {only}", Verdict.FAILED, "is not in the registry", "`add` it"))
    found.checks.append(await _writable(registry, storage))
    return found


def _counted(count: int) -> Check:
    if count:
        return Check("registry: read", Verdict.OK, f"{count} applications")
    next_step = "register the webhook with the plan, and `add` what was deployed before"
    return Check("registry: read", Verdict.WARNING, "no application is registered", next_step)


def _malformed(row: MalformedRow) -> Check:
    next_step = "`reconcile` heals it once Azure tells, or `remove` it"
    return Check(f"registry row {row.name}", Verdict.FAILED, row.reason, next_step)


async def _writable(registry: Registry, storage: Storage) -> Check:
    try:
        await registry.check_writable()
    except AzureFailure as failure:
        return Check.of_failure("registry: write", failure, tables_of(storage))
    return Check("registry: write", Verdict.OK, "allowed")
