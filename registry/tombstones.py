"""Tombstones: the rows of applications that were removed. They say when, by whom and why, and if that is confirmed."""

from datetime import datetime
from typing import Any, Final

from publisher.resource_ids import ApplicationId
from publisher.table import Row
from registry.managed_application import Removal, Removed
from registry.rows import (
    DELETED,
    OF_THE_LIVING,
    OF_TOMBSTONES,
    UnreadableRow,
    deleted_at_of,
    event_time_of,
    identity_of,
    identity_of_keys,
    identity_properties,
    is_tombstone,
    latest,
    text_in,
    time_text,
)

AZURE: Final = "Azure"
OPERATOR: Final = "operator"
NOTIFICATION: Final = "notification"
"""Stands for AZURE on the tombstone of an application that had no row: nothing was removed, and nobody was asked."""


def removal_in(row: Row) -> Removal | None:
    """Return the removal that a tombstone tells of; None for an active row, and where nothing was removed.

    A tombstone of an older version of this program does not say whether the deletion was confirmed: then it was not.
    """
    if not is_tombstone(row):
        return None
    by, confirmed = text_in(row.properties, "removed_by"), row.properties.get("confirmed") is True
    if by == NOTIFICATION and not confirmed:
        return None
    return Removal(
        at=deleted_at_of(row) or event_time_of(row),
        confirmed=confirmed or by == OPERATOR,
        by=text_in(row.properties, "removed_by_person") or (by if by == OPERATOR else AZURE),
        reason=text_in(row.properties, "removal_reason"),
    )


def is_operators(row: Row) -> bool:
    """Tell whether the row is the tombstone of an application that an operator took out of monitoring."""
    return is_tombstone(row) and row.properties.get("removed_by") == OPERATOR


def removed_in(row: Row) -> Removed | None:
    """Return the application that a tombstone is about; None when neither its properties nor its keys name one."""
    try:
        identity: ApplicationId | None = identity_of(row)
    except UnreadableRow:
        identity = identity_of_keys(row)
    return None if identity is None else Removed(identity, removal_in(row), is_operators(row))


def tombstone_properties(row: Row, event_time: datetime | None, removal: Removal) -> dict[str, Any]:
    """Return the properties of the tombstone that takes a row's place."""
    properties = dict(row.properties)
    for name in (*OF_THE_LIVING, *OF_TOMBSTONES):
        properties.pop(name, None)
    if moment := latest(event_time_of(row), event_time):
        properties["event_time"] = time_text(moment)
    return properties | _removal_properties(removal)


def removed_properties(application_id: ApplicationId, removal: Removal) -> dict[str, Any]:
    """Return the properties of a tombstone that tells of a removal, of an application that has no row."""
    return identity_properties(application_id) | _removal_properties(removal)


def _removal_properties(removal: Removal) -> dict[str, Any]:
    properties: dict[str, Any] = {"status": DELETED, "confirmed": removal.confirmed}
    if removal.at:
        properties["deleted_at"] = time_text(removal.at)
    if removal.reason:
        properties["removal_reason"] = removal.reason
    if removal.by in (AZURE, OPERATOR):
        return properties | {"removed_by": removal.by}
    return properties | {"removed_by": OPERATOR, "removed_by_person": removal.by}
