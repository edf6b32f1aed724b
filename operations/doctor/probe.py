"""The check of the probe: whether Azure Resource Graph counts policy states as Policy Insights does."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from operations.doctor.checks import ATTEMPTS, BRIEF, SECONDS_PER_CHECK, Check, Verdict
from publisher.errors.kinds import AzureFailure
from publisher.policy_states.ownership import is_owned
from publisher.policy_states.page import page_in
from publisher.policy_states.query import follow_pages, page_request, query_url
from publisher.resource_graph.client import ResourceGraph
from publisher.resource_graph.state_counts import StateCounts
from publisher.resource_ids import fold
from publisher.retry import with_retries
from registry.inventory import each

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from operations.doctor.causes.table import Where
    from publisher.policy_states.page import Page
    from publisher.policy_states.state import PolicyState, Text
    from publisher.resource_ids import ResourceGroupId
    from publisher.resource_manager import ResourceManager
    from registry.managed_application import ManagedApplication

MOST_COMPARED: Final = 10
"""Applications that are read for this check."""

_NAME: Final = "probe: Azure Resource Graph"
_WITHOUT_IT: Final = "leave PROBE_SCHEDULE empty: the collection does without the probe"


@dataclass(slots=True)
class _Comparison:
    """Applications by what came of comparing them, as they are named to a person."""

    agreeing: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    untold: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def check(self) -> Check:
        """Return what that says of the probe."""
        compared = len(self.agreeing) + len(self.differing) + len(self.untold)
        if not compared:
            told = f"no application could be read to compare with: {_listed(self.unread)}"
            return Check(_NAME, Verdict.SKIPPED, told, "set right what keeps them from being read")
        finding = f"agrees with Policy Insights for {len(self.agreeing)} of {compared} applications"
        finding += f"; differs at {_listed(self.differing)}" if self.differing else ""
        finding += f"; nothing came for {_listed(self.untold)}" if self.untold else ""
        finding += f"; could not be compared: {_listed(self.unread)}" if self.unread else ""
        if len(self.agreeing) == compared:
            return Check(_NAME, Verdict.OK, f"{finding}: trust it to bring collections forward")
        if not self.agreeing:
            return Check(_NAME, Verdict.WARNING, f"{finding}: do not trust it", _WITHOUT_IT)
        next_step = f"ask again in a quarter of an hour, because one may be late; if it stays like this: {_WITHOUT_IT}"
        return Check(_NAME, Verdict.WARNING, f"{finding}: do not trust it yet", next_step)


async def examine_probe(
    arm: ResourceManager, applications: Sequence[ManagedApplication], *, since: datetime, where: Where
) -> Check:
    """Compare the two for the first MOST_COMPARED applications, and say whether the probe can be trusted.

    Args:
        arm: as the publisher's service principal sees it.
        applications: those of the registry.
        since: Policy Insights is asked for states that were evaluated later.
        where: what was called, for the cause of a failure.
    """
    chosen = applications[:MOST_COMPARED]
    if not chosen:
        return Check(_NAME, Verdict.SKIPPED, "there is no application to compare", "")
    read = await each(chosen, lambda one: _counts_read(arm, one.managed_resource_group_id, since))
    try:
        answer = await ResourceGraph(arm, patience=BRIEF).state_counts(
            [one.managed_resource_group_id for one in chosen]
        )
    except AzureFailure as failure:
        return Check.of_failure(_NAME, failure, where)
    found = _Comparison()
    for application, counts in zip(chosen, read, strict=True):
        name = f"{application.application_id.name} in {application.application_id.subscription_id}"
        told = answer.counts.get(fold(str(application.managed_resource_group_id)))
        if isinstance(counts, AzureFailure):
            found.unread.append(f"{name} ({counts.code})")
        elif told is None and not any(counts):
            found.unread.append(f"{name} (Policy Insights has no states of it either)")  # nothing proves nothing
        elif told is None:
            found.untold.append(f"{name} ({counts} in Policy Insights)")
        elif told == counts:
            found.agreeing.append(name)
        else:
            found.differing.append(f"{name} ({told} there, {counts} in Policy Insights)")
    return found.check()


async def _counts_read(arm: ResourceManager, group: ResourceGroupId, since: datetime) -> StateCounts | AzureFailure:
    """Return what Policy Insights says of a group, counted as the ledger does: a state that comes again counts once."""
    deadline, seen = time.monotonic() + SECONDS_PER_CHECK, set[tuple[str, ...]]()

    async def fetch(url: str) -> Page:
        return page_in(await with_retries(lambda: arm.send(page_request(url)), deadline=deadline, attempts=ATTEMPTS))

    try:
        async for page in follow_pages(query_url(arm.endpoint, group, since), fetch):
            seen.update(_key_of(one) for one in page.states if _is_counted(one, str(group)))
    except AzureFailure as failure:
        return failure
    said = [key[-1] for key in seen]
    return StateCounts(*(said.count(word) for word in StateCounts._fields))


def _is_counted(state: PolicyState, group: str) -> bool:
    return bool(is_owned(_text(state.policy_assignment_scope), _text(state.policy_assignment_id), group))


def _key_of(state: PolicyState) -> tuple[str, ...]:
    fields = (
        state.policy_assignment_id,
        state.policy_definition_reference_id,
        state.policy_definition_id,
        state.resource_id,
        state.compliance_state,
    )
    return tuple(fold(_text(one)) for one in fields)


def _text(value: Text) -> str:
    return value if isinstance(value, str) else ""


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
