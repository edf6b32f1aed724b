"""``exemptions --request``: who can make an exemption at a customer, and what they do. Nothing is written there.

Making one takes two rights: to write exemptions at the group, and to exempt from the assignment (azure-docs, "Azure
Policy exemption structure"). The publisher has both as Owner; Contributor leaves out Microsoft.Authorization/*/Write
(FACTS 11.5). Everybody at the customer is held back by the managed application's deny assignment, except from what the
plan allows (azure-docs, "List Azure deny assignments").
"""

from __future__ import annotations

import shlex
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from operations.acceptances import readable_entry
from operations.openness import named
from operations.report import BadUsage, Refused, Report
from publisher.errors.kinds import AzureFailure
from publisher.resource_ids import ResourceGroupId
from registry.policies.deny_assignments import deny_assignments
from registry.policies.permissions import WRITE_EXEMPTIONS, all_allowed
from registry.reconcile import SECONDS_PER_APPLICATION

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from operations.report import Console
    from operations.workplace import Workplace
    from publisher.resource_manager import ResourceManager
    from verdicts.facts import ApplicationFacts, AssignmentFacts

EXEMPT: Final = "Microsoft.Authorization/policyAssignments/exempt/action"
_NEEDED: Final = (WRITE_EXEMPTIONS, EXEMPT)
_BOTH: Final = " and ".join(_NEEDED)
_LONGEST_PREFIX: Final = 64 - len("-until-20271231")
"""An exemption's name has at most 64 characters.

Sources: policyExemptions of Azure/ResourceModules, and policy-exemption of Azure/bicep-registry-modules.
"""


@dataclass(frozen=True, slots=True)
class _Rights:
    """Whether the publisher can make an exemption, and whether the customer is kept from it; None: not known."""

    publisher: bool | None
    is_customer_denied: bool | None


async def request(workplace: Workplace, options: argparse.Namespace, console: Console) -> Report:
    """Tell whether we can make an exemption of an assignment, and what the customer has to do where we cannot."""
    if options.application is None or options.until is None:
        raise BadUsage("an application and --until are missing: whose exemption is it, and when does it end?")
    facts = (await readable_entry(workplace, options.application)).facts
    assignment = _assignment(facts, options.request)
    group = ResourceGroupId.parse(facts.managed_resource_group_id)
    arm, deadline = workplace.inventory.refresher.arm, time.monotonic() + SECONDS_PER_APPLICATION
    with console.busy("reading who may write exemptions"):
        may = await _who_may(arm, group, deadline)
    command, accept = _command(assignment, group, options), _accept(facts, assignment, options)
    steps = (*_steps(may, command, group), f"Without an exemption, the alarms about what is open now end by: {accept}")
    unread = ["our permissions"] if may.publisher is None else []
    unread += ["the deny assignments"] if may.is_customer_denied is None else []
    return Report(
        ok=not unread,
        document={
            "application_id": facts.application_id,
            "assignment_id": assignment.id,
            "managed_resource_group_id": str(group),
            "publisher_may": may.publisher,
            "customer_is_denied": may.is_customer_denied,
            "command": command,
            "accept": accept,
            "steps": list(steps),
        },
        notes=steps,
        error=f"{' and '.join(unread)} at {group} could not be read" if unread else None,
    )


def _assignment(facts: ApplicationFacts, name: str) -> AssignmentFacts:
    """Return the one assignment that a name means; raise Refused."""
    found = named(facts, name)
    if len(found) == 1:
        return found[0]
    known = ", ".join(sorted(one.name for one in facts.assignments.values())) or "none"
    if found:
        raise Refused(f"{name} is the name of several assignments: give the id of one")
    raise Refused(f"there is no assignment {name}; the application has: {known}")


async def _who_may(arm: ResourceManager, group: ResourceGroupId, deadline: float) -> _Rights:
    rights = (await all_allowed(arm, group, _NEEDED, deadline=deadline)).values()
    publisher = None if None in rights else all(rights)
    return _Rights(publisher, await _is_denied_to_everybody(arm, group, deadline))


async def _is_denied_to_everybody(arm: ResourceManager, group: ResourceGroupId, deadline: float) -> bool | None:
    """Tell whether a deny assignment keeps everybody but those whom it excludes from it; None when nobody knows."""
    try:
        found = await deny_assignments(arm, group, deadline=deadline)
    except AzureFailure:
        return None
    return any(one.denies_everybody(_NEEDED) for one in found)


def _command(assignment: AssignmentFacts, group: ResourceGroupId, options: argparse.Namespace) -> str:
    """Return the command of Azure CLI that makes the exemption, for who may."""
    seen = assignment.guard.seen or assignment.guard.baseline
    arguments = {
        "--name": f"{assignment.name[:_LONGEST_PREFIX]}-until-{options.until:%Y%m%d}",
        "--policy-assignment": seen.id if seen is not None and seen.id.startswith("/subscriptions/") else assignment.id,
        "--exemption-category": options.category,
        "--expires-on": f"{options.until:%Y-%m-%dT%H:%M:%SZ}",
        "--scope": str(group),
    }
    return f"az policy exemption create {' '.join(f'{name} {shlex.quote(value)}' for name, value in arguments.items())}"


def _accept(facts: ApplicationFacts, assignment: AssignmentFacts, options: argparse.Namespace) -> str:
    """Return the command that ends the alarms here without anybody's exemption."""
    where = f"{shlex.quote(facts.application_id)} --assignment {shlex.quote(assignment.name)}"
    return f'python -m operations accept {where} --until {options.until:%Y-%m-%dT%H:%M:%SZ} --reason "…"'


def _steps(may: _Rights, command: str, group: ResourceGroupId) -> Iterator[str]:
    """Yield what to do, in the order of what is tried first."""
    if may.publisher:
        yield (
            f"The publisher can: the plan's authorizations give {_BOTH} at {group}. As somebody whom they name, or as "
            f"the service principal itself, run: {command}"
        )
        return
    if may.publisher is None:
        yield f"Whether the publisher can is not known: our permissions at {group} could not be read."
    else:
        yield (
            f"The publisher cannot: its service principal lacks {_BOTH}, or one of them, at {group}. Contributor "
            "leaves out Microsoft.Authorization/*/Write, Owner has it. What the plan's authorizations give to "
            "applications that are deployed already changes with refreshPermissions on each."
        )
    how = (
        f"As Owner or Resource Policy Contributor at {group} or above, run: {command} Or in the portal: Policy, "
        f"Assignments, the assignment, Create exemption, with the resource group {group.resource_group} as its scope."
    )
    if may.is_customer_denied:
        yield (
            "The customer cannot either: the managed application's deny assignment keeps everybody but the publisher "
            "from it. Let the template of the plan's next version make the exemption, or let that version allow "
            f"customers {_BOTH}; the customer updates to it."
        )
        yield f"Where the plan allows it, the customer does this. {how}"
    elif may.is_customer_denied is None:
        yield f"Whether the customer can is not known: a deny assignment may keep them from it. {how}"
    else:
        yield f"The customer can. {how}"
