"""Reads what decides whether a finding can be remediated; could not be read is told apart from is not there."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote

from azure.core.rest import HttpRequest

from operations.acting.effects import members_of, rules_of
from operations.acting.evaluation import soon
from operations.acting.rights import RoleAssignment
from publisher.errors.absence import is_about, says_gone
from publisher.errors.kinds import AzureFailure, MalformedAnswer
from publisher.lenient_json import member
from publisher.policy_insights.remediations import RemediationTasks
from publisher.resource_ids import fold, is_guid
from publisher.resource_manager import document_in, id_at, text_at
from publisher.texts import word
from registry.policies.definition_versions import POLICIES_API_VERSION, read_definition
from registry.policies.deny_assignments import deny_assignments
from registry.policies.permissions import CREATE_REMEDIATIONS, allowed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from operations.acting.effects import Member, Rule
    from operations.acting.evaluation import Evaluator
    from operations.acting.states import SeenState
    from publisher.policy_insights.remediations import Task
    from publisher.resource_ids import ApplicationId
    from publisher.resource_manager import Application, ResourceManager
    from registry.policies.deny_assignments import DenyAssignment

_RIGHTS_API_VERSION: Final = "2022-04-01"
"""Of roleAssignments and roleDefinitions (learn.microsoft.com/rest/api/authorization)."""

_NOT_FOUND: Final = "policyassignmentnotfound"
_AT_ONCE: Final = 8
_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that could not be read, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class Gone:
    """Something that Azure says does not exist."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The managed identity of an assignment: its kind as Azure spells it, and the object ids of its principals."""

    kind: str
    principal_ids: tuple[str, ...]

    @property
    def is_untold(self) -> bool:
        """Whether there is an identity, and Azure does not tell its principals."""
        return not self.principal_ids and word(self.kind) not in {"", "none"}

    def __str__(self) -> str:
        return f"{self.kind or 'none'} {', '.join(self.principal_ids)}".rstrip()


@dataclass(frozen=True, slots=True)
class AssignmentNow:
    """The assignment as Azure describes it now."""

    id: str
    scope: str
    definition_id: str
    location: str
    enforcement: str
    identity: Identity


@dataclass(frozen=True, slots=True)
class Readings:
    """Everything that was read; see the types of what may be missing. `may_create` is None where it is not known."""

    application: Application | Gone | Unread
    assignment: AssignmentNow | Gone | Unread
    rules: tuple[Rule, ...] | Unread
    roles: tuple[RoleAssignment, ...] | Unread
    denials: tuple[DenyAssignment, ...] | Unread
    states: tuple[SeenState, ...] | Unread
    tasks: tuple[Task, ...] | Unread
    may_create: bool | None
    role_names: Mapping[str, str] = field(default_factory=dict)
    """What roles are called, by the names (GUIDs) of their definitions, as far as it could be read."""

    def named(self, role: str) -> str:
        """Return what a role is called, and its name."""
        return f"{self.role_names[role]} ({role})" if self.role_names.get(role) else role


async def read_all(
    arm: ResourceManager, application_id: ApplicationId, assignment_id: str, evaluator: Evaluator
) -> Readings:
    """Read all of it; raises no AzureFailure except that there is no token."""
    group = evaluator.group
    application, (assignment, rules), denials, states, tasks, may_create = await asyncio.gather(
        _application(arm, application_id),
        _assignment(arm, assignment_id),
        _tried(deny_assignments(arm, group, deadline=soon())),
        _tried(evaluator.states()),
        _tried(RemediationTasks(arm, group).of_assignment(assignment_id, deadline=soon())),
        allowed(arm, group, CREATE_REMEDIATIONS, deadline=soon()),
    )
    roles = await _roles(arm, f"{group}", assignment)
    return Readings(
        application=application,
        assignment=assignment,
        rules=rules,
        roles=roles,
        role_names=await _role_names(arm, str(group), roles, rules),
        denials=denials,
        states=states
        if isinstance(states, Unread)
        else tuple(one for one in states if one.assignment_id == fold(assignment_id)),
        tasks=tasks if isinstance(tasks, Unread) else tuple(tasks),
        may_create=may_create,
    )


async def _tried(reading: Awaitable[_Read]) -> _Read | Unread:
    """Return what was read, or why nothing was."""
    try:
        return await reading
    except AzureFailure as failure:
        return Unread(f"{failure.code}: {failure}")


async def _application(arm: ResourceManager, application_id: ApplicationId) -> Application | Gone | Unread:
    try:
        return await arm.application(application_id, deadline=soon())
    except AzureFailure as failure:
        return Gone() if says_gone(failure, application_id) else Unread(f"{failure.code}: {failure}")


async def _assignment(
    arm: ResourceManager, assignment_id: str
) -> tuple[AssignmentNow | Gone | Unread, tuple[Rule, ...] | Unread]:
    """Return the assignment, and the rules behind it."""
    try:
        path = quote(assignment_id, safe="/()")
        document = await arm.get(path, api_version=POLICIES_API_VERSION, deadline=soon())
        if fold(id_at(document, "id")) != fold(assignment_id):
            raise MalformedAnswer("the answer describes another assignment", code="MalformedAnswer")
    except AzureFailure as failure:
        if fold(failure.code) == _NOT_FOUND and is_about(failure, assignment_id):
            return Gone(), Unread("the assignment does not exist")
        unread = Unread(f"{failure.code}: {failure}")
        return unread, unread
    definition_id = id_at(document, "properties", "policyDefinitionId")
    now = AssignmentNow(
        id=id_at(document, "id"),
        scope=id_at(document, "id").rpartition("/providers/")[0],
        definition_id=definition_id,
        location=text_at(document, "location"),
        enforcement=text_at(document, "properties", "enforcementMode") or "Default",
        identity=_identity(document),
    )
    return now, await _tried(_rules(arm, document, definition_id))


def _identity(document: Mapping[str, Any]) -> Identity:
    """Return the identity of an assignment: its own one, or those that users made."""
    identity = member(document, "identity")
    users = member(identity, "userAssignedIdentities")
    principals = [text_at(identity, "principalId")]
    principals += [text_at(one, "principalId") for one in users.values()] if isinstance(users, dict) else []
    return Identity(text_at(identity, "type"), tuple(dict.fromkeys(fold(one) for one in principals if is_guid(one))))


async def _rules(arm: ResourceManager, assignment: Mapping[str, Any], definition_id: str) -> tuple[Rule, ...]:
    """Return the rules of the assigned definition or initiative; members that cannot be read have no roles.

    Each is read in the version that is pinned. Raises MalformedAnswer where an override sets it, for some or for all.
    """
    overrides = member(member(assignment, "properties"), "overrides")
    overrides = overrides if isinstance(overrides, list) else []
    if any(fold(text_at(one, "kind")) == "definitionversion" for one in overrides):
        raise MalformedAnswer("an override sets the version of what is assigned", code="MalformedAnswer")
    pin = text_at(assignment, "properties", "definitionVersion")
    definition = await read_definition(arm, definition_id, pin, deadline=soon())
    if not isinstance(member(definition, "properties"), dict):
        raise MalformedAnswer("the definition's description has no properties", code="MalformedAnswer")
    places = asyncio.Semaphore(_AT_ONCE)

    async def read(one: Member) -> dict[str, Any] | Unread:
        async with places:
            return await _tried(read_definition(arm, one.id, one.pin, deadline=soon()))

    wanted = members_of(definition)
    found = await asyncio.gather(*map(read, wanted))
    members = {one.key: read for one, read in zip(wanted, found, strict=True) if not isinstance(read, Unread)}
    return rules_of(assignment, definition, members)


async def _roles(
    arm: ResourceManager, group: str, assignment: AssignmentNow | Gone | Unread
) -> tuple[RoleAssignment, ...] | Unread:
    """Return the role assignments of the assignment's identity at, above and inside the group."""
    if not isinstance(assignment, AssignmentNow):
        return assignment if isinstance(assignment, Unread) else ()
    found: list[RoleAssignment] = []
    for principal in assignment.identity.principal_ids:
        listed = await _tried(
            _listed(arm, f"{group}/providers/Microsoft.Authorization/roleAssignments", f"principalId eq '{principal}'")
        )
        if isinstance(listed, Unread):
            return listed
        found += map(RoleAssignment.of, listed)
    return tuple(found)


async def _role_names(
    arm: ResourceManager,
    group: str,
    assigned: tuple[RoleAssignment, ...] | Unread,
    rules: tuple[Rule, ...] | Unread,
) -> dict[str, str]:
    """Return what the roles are called that the identity has or needs; asked once, since they are only shown."""
    wanted = {one.role for one in assigned} if not isinstance(assigned, Unread) else set()
    wanted |= {role for rule in rules for role in rule.roles or ()} if not isinstance(rules, Unread) else set()

    async def name(role: str) -> str:
        path = f"{group}/providers/Microsoft.Authorization/roleDefinitions/{role}"
        request = HttpRequest("GET", quote(path, safe="/()"), params={"api-version": _RIGHTS_API_VERSION})
        read = await _tried(_sent(arm, request))
        return "" if isinstance(read, Unread) else text_at(read, "properties", "roleName")

    roles = sorted(filter(is_guid, wanted))
    return dict(zip(roles, await asyncio.gather(*map(name, roles)), strict=True))


async def _sent(arm: ResourceManager, request: HttpRequest) -> dict[str, Any]:
    return document_in(await arm.send(request))


async def _listed(arm: ResourceManager, path: str, wanted: str) -> list[dict[str, Any]]:
    address = f"{quote(path, safe='/()')}?$filter={quote(wanted, safe='')}"
    return [one async for one in arm.list(address, api_version=_RIGHTS_API_VERSION, deadline=soon())]
