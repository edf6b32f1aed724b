"""The ids under which the ledger and the rows know the publisher's checks: as if each was a policy assignment."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from publisher.resource_ids import fold

PREFIX: Final = "publisher-check/"
_INSIDE: Final = f"/{PREFIX}"


class JudgedBy(StrEnum):
    """Who judges an assignment (column Judged_by)."""

    AZURE_POLICY = "AzurePolicy"
    PUBLISHER_CHECK = "PublisherCheck"


def check_id(group_id: str, name: str) -> str:
    """Return the folded id of a check of an application: its managed resource group, and `definition_id`."""
    return fold(f"{group_id}{_INSIDE}{name}")


def definition_id(name: str) -> str:
    """Return the id by which a check is known at every application: publisher-check/ and its name."""
    return f"{PREFIX}{fold(name)}"


def check_name(assignment_id: str) -> str:
    """Return the name of the check with this id; "" for a policy assignment.

    No id of Azure's ends so: behind the group come its resources, and each has /providers/ before it.
    """
    scope, found, name = assignment_id.rpartition(_INSIDE)
    is_check = found and name and "/" not in name and "/providers/" not in fold(scope)
    return name if is_check else ""


def is_check(assignment_id: str) -> bool:
    """Tell whether this is the id of a check, and not of a policy assignment."""
    return bool(check_name(assignment_id))


def judged_by(assignment_id: str) -> JudgedBy:
    """Return who judges an assignment, which is known by its folded id."""
    return JudgedBy.PUBLISHER_CHECK if is_check(assignment_id) else JudgedBy.AZURE_POLICY
