"""Rows of the registry: table entity to managed application and back.

The properties that the older public sample wrote (`subscription_id`, `app_resource_group_name`, `app_name`,
`mrg_name`) stay on every row and are enough to read one. A row is malformed when the ids of the application or of its
managed resource group are missing or wrong; of the other properties, those that cannot be read are left empty.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from publisher.resource_ids import ROW_KEY_PREFIX, ApplicationId, InvalidResourceId, ResourceGroupId, quoted
from publisher.table import Row
from publisher.texts import moment_in, printable
from registry.managed_application import ARM_TEXTS, MalformedRow, ManagedApplication
from registry.policies.stored_assignments import (
    assignments_in,
    assignments_text,
    definition_names_in,
    definition_names_text,
    exemptions_in,
    exemptions_packed,
    postures_packed,
)

DELETED: Final = "deleted"
ACTIVE: Final = "active"
OF_THE_LIVING: Final = (
    "assignments",
    "assignments_read_at",
    "postures",
    "exemptions",
    "exemptions_read_at",
    "definition_names",
)
"""Properties that only a registered application has, as far as they are known."""

OF_TOMBSTONES: Final = ("deleted_at", "removed_by", "removed_by_person", "removal_reason", "confirmed")
"""The properties that only a tombstone has."""


def is_tombstone(row: Row) -> bool:
    """Tell whether the row is a tombstone: what stays of an application that was deleted."""
    return row.properties.get("status") == DELETED


def event_time_of(row: Row) -> datetime | None:
    """Return the time of the latest event that changed the row."""
    return _time(row.properties, "event_time")


def deleted_at_of(row: Row) -> datetime | None:
    """Return when a tombstone was written."""
    return _time(row.properties, "deleted_at")


def registered_at_of(row: Row) -> datetime | None:
    """Return when the application was registered anew after a confirmed removal; None when it never was."""
    return _time(row.properties, "registered_at")


def customer_name_of(row: Row) -> str:
    """Return what the operator calls the customer; "" when no name was set."""
    return text_in(row.properties, "customer_name")


class UnreadableRow(Exception):  # noqa: N818 - named for what it tells
    """The ids of the application or of its managed resource group are missing or wrong; the message says which."""


def identity_of(row: Row) -> ApplicationId:
    """Return the application that a row is about; raise UnreadableRow."""
    whole = _identifier(row.properties, "application_id")
    try:
        if whole:
            identity = ApplicationId.parse(whole)
        else:
            identity = ApplicationId(
                _required(row.properties, "subscription_id"),
                _required(row.properties, "app_resource_group_name"),
                _required(row.properties, "app_name"),
            )
    except InvalidResourceId as error:
        raise UnreadableRow(str(error)) from error
    is_ours = row.row_key.startswith(ROW_KEY_PREFIX)
    if is_ours and (row.partition_key, row.row_key) != (identity.partition_key, identity.row_key):
        raise UnreadableRow("its keys belong to another application than its properties")
    return identity


_TIMES: Final = (
    "event_time",
    "refreshed_at",
    "access_lost_at",
    "assignments_read_at",
    "exemptions_read_at",
    "registered_at",
)


def application_of(row: Row) -> ManagedApplication:
    """Return the application in a row; raise UnreadableRow."""
    identity = identity_of(row)
    properties = row.properties
    status = properties.get("status", ACTIVE)
    if status not in (ACTIVE, DELETED):
        raise UnreadableRow(f"status is {quoted(str(status))}, not {ACTIVE} or {DELETED}")
    return ManagedApplication(
        application_id=identity,
        managed_resource_group_id=_managed_resource_group(properties, identity),
        customer_name=customer_name_of(row) or identity.subscription_id,
        **{name: text_in(properties, name) for name in ARM_TEXTS},
        assignments=assignments_in(properties.get("assignments"), properties.get("postures")),
        exemptions=exemptions_in(properties.get("exemptions")),
        assignments_read_at=_time(properties, "assignments_read_at"),
        exemptions_read_at=_time(properties, "exemptions_read_at"),
        registered_at=registered_at_of(row),
        definition_names=definition_names_in(properties.get("definition_names")),
        event_time=event_time_of(row),
        refreshed_at=_time(properties, "refreshed_at"),
        access_lost_at=_time(properties, "access_lost_at"),
    )


def malformed(row: Row, reason: str) -> MalformedRow:
    """Return what can be said about a row that cannot be collected; the keys of a row of ours name its application."""
    try:
        identity: ApplicationId | None = identity_of(row)
    except UnreadableRow:
        identity = identity_of_keys(row)
    if identity is None:
        subscription_id = row.properties.get("subscription_id")
        return MalformedRow(_name(row), reason, _shown(subscription_id) if subscription_id else "")
    access_lost_at = _time(row.properties, "access_lost_at")
    return MalformedRow(_name(row), reason, identity.subscription_id, identity, access_lost_at)


def identity_of_keys(row: Row) -> ApplicationId | None:
    """Return the application whose own keys the row has, in lower case; None for any other row."""
    try:
        return ApplicationId.of_keys(row.partition_key, row.row_key)
    except InvalidResourceId:
        return None


def properties_of(application: ManagedApplication, previous: Row | None) -> dict[str, Any]:
    """Return the properties to store for a living application.

    Other properties of the previous row stay, such as the operator's `customer_name`.
    """
    properties = dict(previous.properties) if previous else {}
    for name in (*OF_TOMBSTONES, *OF_THE_LIVING, "access_lost_at"):
        properties.pop(name, None)
    properties |= {
        **identity_properties(application.application_id),
        "managed_resource_group_id": str(application.managed_resource_group_id),
        "mrg_name": application.managed_resource_group_id.resource_group,
        **{name: getattr(application, name) for name in ARM_TEXTS},
        "status": ACTIVE,
    }
    assignments = assignments_text(application.assignments)
    if assignments is not None:
        properties["assignments"] = assignments
        properties["postures"] = postures_packed(application.assignments or ())
    if (exemptions := exemptions_packed(application.exemptions)) is not None:
        properties["exemptions"] = exemptions
    if application.definition_names:
        properties["definition_names"] = definition_names_text(application.definition_names)
    for name in _TIMES:
        moment: datetime | None = getattr(application, name)
        if moment is not None:
            properties[name] = time_text(moment)
    return properties


def identity_properties(identity: ApplicationId) -> dict[str, str]:
    """Return the properties that say which application a row is about."""
    return {
        "application_id": str(identity),
        "subscription_id": identity.subscription_id,
        "app_resource_group_name": identity.resource_group,
        "app_name": identity.name,
    }


def latest(*moments: datetime | None) -> datetime | None:
    """Return the latest of these times, None when none is known."""
    return max((moment for moment in moments if moment), default=None)


def time_text(moment: datetime) -> str:
    """Return a time as the registry stores it: ISO 8601 in UTC with six digits, so that texts sort as times."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _managed_resource_group(properties: Mapping[str, Any], identity: ApplicationId) -> ResourceGroupId:
    whole = _identifier(properties, "managed_resource_group_id")
    if not whole and "mrg_name" not in properties and "access_lost_at" in properties:
        raise UnreadableRow("Azure has refused us the application since we were told of it: check the authorizations")
    try:
        return ResourceGroupId.parse(whole) if whole else _group_by_name(properties, identity)
    except InvalidResourceId as error:
        raise UnreadableRow(f"managed resource group: {error}") from error


def _group_by_name(properties: Mapping[str, Any], identity: ApplicationId) -> ResourceGroupId:
    name = _required(properties, "mrg_name")
    return ResourceGroupId.parse(name) if "/" in name else ResourceGroupId(identity.subscription_id, name)


def _required(properties: Mapping[str, Any], name: str) -> str:
    value = _identifier(properties, name)
    if not value:
        raise UnreadableRow(f"{name} is {'empty' if name in properties else 'missing'}")
    return value


def _identifier(properties: Mapping[str, Any], name: str) -> str:
    """Return a part of an id as text, "" when it is missing; raise UnreadableRow when it is not text."""
    value = properties.get(name, "")
    if isinstance(value, UUID):
        return str(value)
    if not isinstance(value, str):
        raise UnreadableRow(f"{name} is not text")
    return value.strip()


def text_in(properties: Mapping[str, Any], name: str) -> str:
    """Return a property as printable text, "" when there is none."""
    value = properties.get(name)
    return "" if value is None or isinstance(value, bytes) else printable(str(value).strip(), longest=1000)


def _time(properties: Mapping[str, Any], name: str) -> datetime | None:
    """Return a time in UTC, which is also assumed when it has no zone; None when it cannot be read."""
    value = properties.get(name)
    text = value.isoformat() if isinstance(value, datetime) else value
    return moment_in(text.strip()) if isinstance(text, str) else None


def _name(row: Row) -> str:
    return f"{_shown(row.partition_key)}/{_shown(row.row_key)}"


def _shown(value: object) -> str:
    return printable(str(value), longest=200)
