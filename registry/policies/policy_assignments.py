"""The policy assignments whose states an application must have: those at or inside its managed resource group.

They give display names, and show which assignment was never evaluated. Which states belong to an application the
collector decides from the states alone, so a failure here does not fail a refresh.
"""

import logging
from typing import Any, Final
from urllib.parse import quote

from publisher.errors.kinds import AzureFailure, MalformedAnswer
from publisher.lenient_json import member
from publisher.resource_ids import ResourceGroupId, assignment_scope, fold, is_at_or_inside
from publisher.resource_manager import ResourceManager, id_at, text_at
from registry.managed_application import Exemption, ExpectedAssignment
from registry.policies.definition_names import DefinitionNames
from registry.policies.definition_versions import POLICIES_API_VERSION
from registry.policies.permissions import READ_EXEMPTIONS, is_allowed
from registry.policies.postures import posture_of, time_at

_LOGGER = logging.getLogger(__name__)
_EXEMPTIONS_API_VERSION: Final = "2022-07-01-preview"  # FACTS 11.5


async def expected_assignments(
    arm: ResourceManager, group: ResourceGroupId, names: DefinitionNames, *, deadline: float
) -> tuple[ExpectedAssignment, ...] | None:
    """Return the assignments at or inside a managed resource group; None when they are not known.

    An empty list means not known: ARM also answers it to those who may not read assignments (FACTS 2.12). So does a
    list with an id that cannot be read, whose assignment may be any. A list with foreign assignments only means that
    the application has none. `deadline` is in seconds of `time.monotonic`.
    """
    path = f"{quote(str(group), safe='/()')}/providers/Microsoft.Authorization/policyAssignments"
    seen = 0
    own: list[ExpectedAssignment] = []
    try:
        async for assignment in arm.list(path, api_version=POLICIES_API_VERSION, deadline=deadline):
            seen += 1
            if is_at_or_inside(_scope_in(assignment, "id"), str(group)):
                own.append(await expected_assignment(arm, assignment, names, deadline=deadline))
    except AzureFailure as failure:
        _LOGGER.info("the policy assignments at %s could not be read: %s", group, failure.code)
        return None
    return tuple(own) if seen else None


async def known_exemptions(
    arm: ResourceManager,
    group: ResourceGroupId,
    *,
    before: tuple[Exemption, ...] | None,
    deadline: float,
) -> tuple[Exemption, ...] | None:
    """Return the exemptions of assignments at or inside a managed resource group; None when they are not known.

    They may stand at the group, inside it or above it. Expired ones are among them: Azure keeps them as objects. An
    empty list after there were some `before` is believed when our permissions include reading exemptions. Not known are
    they all when of one cannot be read what it exempts, or until when.
    """
    path = f"{quote(str(group), safe='/()')}/providers/Microsoft.Authorization/policyExemptions"
    found, seen = [], 0
    try:
        async for document in arm.list(path, api_version=_EXEMPTIONS_API_VERSION, deadline=deadline):
            seen += 1
            if is_at_or_inside(_scope_in(document, "properties", "policyAssignmentId"), str(group)):
                found.append(_exemption(document))
    except AzureFailure as failure:
        _LOGGER.info("the policy exemptions at %s could not be read: %s", group, failure.code)
        return None
    if before and not seen and not await is_allowed(arm, group, READ_EXEMPTIONS, deadline=deadline):
        return None
    return tuple(sorted(found, key=lambda one: one.id))


def _exemption(document: dict[str, Any]) -> Exemption:
    """Return the exemption that ARM describes; raise MalformedAnswer when it does not say what, or until when."""
    properties = member(document, "properties")
    references = member(properties, "policyDefinitionReferenceIds") or []
    identity, expires_at = id_at(document, "id"), time_at(document, "properties", "expiresOn")
    is_dated = member(properties, "expiresOn") not in (None, "")
    if not identity or (is_dated and expires_at is None) or not _is_texts(references):
        raise MalformedAnswer("the id, end or references of an exemption cannot be read", code="MalformedAnswer")
    return Exemption(
        id=fold(identity),
        assignment_id=fold(id_at(document, "properties", "policyAssignmentId")),
        reference_ids=tuple(sorted(map(fold, references))),
        category=text_at(document, "properties", "exemptionCategory"),
        expires_at=expires_at,
        created_by=text_at(document, "systemData", "createdBy"),
        display_name=text_at(document, "properties", "displayName"),
    )


async def expected_assignment(
    arm: ResourceManager, assignment: dict[str, Any], names: DefinitionNames, *, deadline: float
) -> ExpectedAssignment:
    """Return an assignment as ARM describes it, with what its definition says as far as that can be read.

    Raises MalformedAnswer when ARM does not say what it assigns.
    """
    definition_id = id_at(assignment, "properties", "policyDefinitionId")
    if not definition_id:
        raise MalformedAnswer("what a policy assignment assigns cannot be read", code="MalformedAnswer")
    pin = text_at(assignment, "properties", "definitionVersion")
    definition = await names.definition(arm, definition_id, pin, deadline=deadline)
    return ExpectedAssignment(
        id=id_at(assignment, "id"),
        display_name=text_at(assignment, "properties", "displayName"),
        definition_id=definition_id,
        definition_display_name=definition.name,
        posture=posture_of(assignment, definition),
    )


def _scope_in(document: dict[str, Any], *path: str) -> str:
    """Return the scope of the assignment whose id stands at a path; raise MalformedAnswer for an id that is none."""
    scope = assignment_scope(id_at(document, *path))
    if not scope:
        raise MalformedAnswer("the id of a policy assignment cannot be read", code="MalformedAnswer")
    return scope


def _is_texts(values: object) -> bool:
    return isinstance(values, list) and all(isinstance(one, str) for one in values)
