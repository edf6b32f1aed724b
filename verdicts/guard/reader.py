"""Reads the assignments and exemptions of an application from ARM, and makes sure of what is missing."""

from __future__ import annotations

import logging
from enum import Enum, auto
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from publisher.errors.absence import is_about
from publisher.errors.kinds import AccessDenied, AzureFailure
from publisher.resource_ids import fold
from publisher.resource_manager import id_at
from registry.managed_application import ExpectedAssignment
from registry.policies.definition_versions import POLICIES_API_VERSION
from registry.policies.permissions import READ_ASSIGNMENTS, is_allowed
from registry.policies.policy_assignments import (
    expected_assignment,
    expected_assignments,
    known_exemptions,
)
from verdicts.evidence import GuardReading

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from publisher.resource_manager import ResourceManager
    from registry.managed_application import Exemption, ManagedApplication
    from registry.policies.definition_names import DefinitionNames

logger = logging.getLogger(__name__)

_NOT_FOUND: Final = "policyassignmentnotfound"


class Answer(Enum):
    """What ARM says of an assignment that it does not show."""

    ABSENT = auto()
    UNKNOWN = auto()


async def read_guard(
    arm: ResourceManager,
    application: ManagedApplication,
    baseline: Iterable[str],
    names: DefinitionNames,
    *,
    exemptions: Iterable[Exemption] = (),
    now: datetime,
    deadline: float,
) -> GuardReading:
    """Return what ARM says of an application's assignments and exemptions; raises no AzureFailure.

    Args:
        arm: as the publisher's service principal sees it.
        application: whose managed resource group is asked.
        baseline: the ids of the assignments that have to be there. Those that ARM's list lacks are asked for by id:
            without the right to read them the list is empty (FACTS 2.12).
        names: reads the assigned definitions.
        exemptions: those that are remembered: that there are none any more has to be certain.
        now: the time of the reading.
        deadline: in seconds of `time.monotonic`.
    """
    group = application.managed_resource_group_id
    known = (*(application.exemptions or ()), *exemptions)
    listed = await expected_assignments(arm, group, names, deadline=deadline)
    found = {fold(one.id): one for one in listed or ()}
    lacking = [one for one in baseline if fold(one) not in found]
    asked = await _asked_for(arm, lacking, names, deadline)
    found |= {key: answer for key, answer in asked.items() if isinstance(answer, ExpectedAssignment)}
    absent = [key for key, answer in asked.items() if answer is Answer.ABSENT]
    is_certain = bool(absent) and await is_allowed(arm, group, READ_ASSIGNMENTS, deadline=deadline)
    missing = {key: is_certain and key in absent for key in map(fold, lacking) if key not in found}
    exempted = await known_exemptions(arm, group, before=known, deadline=deadline)
    is_known = listed is not None or bool(found) or any(missing.values())
    return GuardReading(now, found if is_known else None, missing, exempted)


async def _asked_for(
    arm: ResourceManager, assignment_ids: Iterable[str], names: DefinitionNames, deadline: float
) -> dict[str, ExpectedAssignment | Answer]:
    """Return the answers about assignments by folded id, up to the first refusal: whoever may not read one reads none.

    What nobody was asked about is not in it.
    """
    answers: dict[str, ExpectedAssignment | Answer] = {}
    for assignment_id in assignment_ids:
        try:
            document = await arm.get(
                quote(assignment_id, safe="/()"), api_version=POLICIES_API_VERSION, deadline=deadline
            )
            answer: ExpectedAssignment | Answer = await expected_assignment(arm, document, names, deadline=deadline)
            if fold(id_at(document, "id")) != fold(assignment_id):
                answer = Answer.UNKNOWN
        except AccessDenied as failure:
            logger.info("the policy assignment %s may not be read: %s", assignment_id, failure.code)
            break
        except AzureFailure as failure:
            is_absence = fold(failure.code) == _NOT_FOUND and is_about(failure, assignment_id)
            answer = Answer.ABSENT if is_absence else Answer.UNKNOWN
            logger.info("the policy assignment %s could not be read: %s", assignment_id, failure.code)
        answers[fold(assignment_id)] = answer
    return answers
