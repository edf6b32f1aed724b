"""The policy states of an application's own assignments, as Azure has them at this moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from publisher.policy_states.ownership import is_owned
from publisher.policy_states.page import page_in
from publisher.policy_states.query import follow_pages, page_request, query_url
from publisher.resource_ids import fold, plain_id
from publisher.texts import moment_in, trimmed
from verdicts.facts import StateKey

if TYPE_CHECKING:
    from datetime import datetime

    from publisher.policy_states.page import Page
    from publisher.policy_states.state import PolicyState, Text
    from publisher.resource_ids import ResourceGroupId
    from publisher.resource_manager import ResourceManager

Watched = tuple[str, StateKey]
"""Names a state: the folded id of its assignment, and its key within."""


class SeenState(NamedTuple):
    """A policy state: `compliance` and `effect` are folded; reference and resource are as Azure cases them, too."""

    assignment_id: str
    key: StateKey
    compliance: str
    evaluated_at: datetime | None
    effect: str
    reference: str
    resource_id: str
    resource_type: str

    @property
    def watched(self) -> Watched:
        """What names the state."""
        return self.assignment_id, self.key


async def states_of(
    arm: ResourceManager, group: ResourceGroupId, *, since: datetime, deadline: float
) -> list[SeenState]:
    """Return the latest states of assignments at or inside a managed resource group, from all pages.

    Raises AzureFailures; `deadline` is in seconds of `time.monotonic`.
    """

    async def fetch(url: str) -> Page:
        async def attempt() -> Page:
            return page_in(await arm.send(page_request(url)))

        return await arm.repeated(attempt, deadline=deadline)

    found: list[SeenState] = []
    async for page in follow_pages(query_url(arm.endpoint, group, since), fetch):
        for state in page.states:
            scope, assignment = _text(state.policy_assignment_scope), plain_id(_text(state.policy_assignment_id))
            if is_owned(scope, assignment, str(group)):
                found.append(_seen(state, assignment))
    return found


def _seen(state: PolicyState, assignment_id: str) -> SeenState:
    resource = plain_id(_text(state.resource_id))
    return SeenState(
        assignment_id=fold(assignment_id),
        key=StateKey(
            fold(_text(state.policy_definition_reference_id)),
            fold(plain_id(_text(state.policy_definition_id))),
            fold(resource),
        ),
        compliance=fold(_text(state.compliance_state)),
        evaluated_at=moment_in(_text(state.timestamp)),
        effect=fold(_text(state.policy_definition_action)),
        reference=_text(state.policy_definition_reference_id),
        resource_id=resource,
        resource_type=_text(state.resource_type).strip("/"),
    )


def _text(value: Text) -> str:
    return trimmed(value) if isinstance(value, str) else ""
