"""What ARM's answers say about whether an application exists: it does, it does not, or we are not told.

Only ARM's own word counts as a deletion. A permission that was taken away looks the same for an application that was
deleted and for one that lives, so the managed resource group is asked for as well (FACTS 5.3, 11.5).
"""

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote

from publisher.errors.absence import says_gone
from publisher.errors.kinds import AccessDenied, AzureFailure, Blocked
from publisher.resource_ids import ApplicationId, ResourceGroupId
from publisher.resource_manager import ResourceManager, text_at
from publisher.texts import word
from registry.ownership import GROUPS_API_VERSION


class Existence(StrEnum):
    """Whether an application exists."""

    ALIVE = "Alive"
    GONE = "Gone"
    """ARM says that there is no such application, or that it is deleting it."""
    UNKNOWN = "Unknown"
    """ARM denies us the application and its managed resource group."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether an application exists, and what ARM said."""

    existence: Existence
    reason: str


async def existence_of(
    arm: ResourceManager, application_id: ApplicationId, group: ResourceGroupId | None, *, deadline: float
) -> Answer:
    """Return what ARM says about an application, and where it denies us that, about its managed resource group.

    `group` is None when the group is not known. `deadline` is in seconds of `time.monotonic`. Raises the AzureFailures
    that say nothing about the application.
    """
    try:
        application = await arm.application(application_id, deadline=deadline)
    except AzureFailure as failure:
        if says_gone(failure, application_id):
            return Answer(Existence.GONE, f"Azure Resource Manager says {failure.code}")
        if not is_denied(failure):
            raise
        return await _by_its_group(arm, group, failure, deadline)
    existence = Existence.GONE if application.is_going else Existence.ALIVE
    return Answer(existence, f"Azure Resource Manager calls it {application.provisioning_state}")


async def _by_its_group(
    arm: ResourceManager, group: ResourceGroupId | None, failure: AzureFailure, deadline: float
) -> Answer:
    denied = f"Azure Resource Manager denies us the application ({failure.code})"
    if group is None:
        return Answer(Existence.UNKNOWN, f"{denied}, and its managed resource group is not known")
    try:
        answer = await arm.get(quote(str(group), safe="/()"), api_version=GROUPS_API_VERSION, deadline=deadline)
    except AzureFailure as of_group:
        if not (is_denied(of_group) or says_gone(of_group, group)):
            raise
        return Answer(Existence.UNKNOWN, f"{denied} and its managed resource group ({of_group.code})")
    if word(text_at(answer, "properties", "provisioningState")) in {"deleting", "deleted"}:
        return Answer(Existence.UNKNOWN, f"{denied} and is deleting its managed resource group")
    return Answer(Existence.ALIVE, f"{denied}, and its managed resource group can be read")


def is_denied(failure: AzureFailure) -> bool:
    """Tell whether something may be there or not: we are denied it, or the customer's state forbids it."""
    return isinstance(failure, AccessDenied | Blocked)
