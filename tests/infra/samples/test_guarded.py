"""The sample's assignments as the guard reads them: each judges something, and nobody weakens one unnoticed."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from checks.templates.functions import GROUP_ID
from registry.managed_application import ExpectedAssignment
from registry.policies.postures import Definition, posture_of
from tests.infra.samples.sample import EVERYTHING, POLICIES, assigned, deployed
from verdicts.facts import GuardState
from verdicts.guard.comparison import compare, judges_nothing

ASSIGNED = assigned(deployed(**EVERYTHING))


def read(policy: dict[str, Any], body: dict[str, Any]) -> ExpectedAssignment:
    own_id = f"{GROUP_ID}/providers/Microsoft.Authorization/policyAssignments/{policy['name']}"
    (effect,) = policy["parameters"]
    definition = Definition(0, policy["builtIn"]["displayName"], effects=(("", f"parameter:{effect}"),))
    posture = posture_of({"id": own_id, **body}, definition)
    properties = body["properties"]
    return ExpectedAssignment(
        own_id, properties["displayName"], properties["policyDefinitionId"], definition.name, posture
    )


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy["name"])
def test_an_assignment_of_the_sample_judges_and_switching_its_effect_off_is_noticed(policy: dict[str, Any]) -> None:
    body = ASSIGNED[policy["name"]]
    baseline = read(policy, body)
    assert not judges_nothing(baseline, GROUP_ID)
    assert compare(baseline, read(policy, copy.deepcopy(body))) == (GuardState.INTACT, ())

    (effect,) = policy["parameters"]
    weakened = copy.deepcopy(body)
    weakened["properties"]["parameters"][effect]["value"] = "Disabled"
    assert judges_nothing(read(policy, weakened), GROUP_ID)
    assert compare(baseline, read(policy, weakened))[0] is GuardState.WEAKENED
