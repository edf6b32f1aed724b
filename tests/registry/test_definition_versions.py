"""A definition is read in the version that is pinned, which need not be the latest."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from publisher.errors.kinds import MalformedAnswer
from publisher.resource_ids import ResourceGroupId
from publisher.resource_manager import ResourceManager
from registry.managed_application import ExpectedAssignment
from registry.policies.definition_names import DefinitionNames
from registry.policies.definition_versions import pinned_version
from registry.policies.policy_assignments import expected_assignments
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from sandbox.world.customers import Customer
from sandbox.world.policies import SECURE_TRANSFER, Assignment

LATEST = replace(
    SECURE_TRANSFER,
    version="2.0.0",
    display_name="Two",
    effect="disabled",
    earlier=(
        replace(SECURE_TRANSFER, version="1.2.0", display_name="One two", effect="disabled"),
        replace(SECURE_TRANSFER, version="1.10.0", display_name="One ten"),
    ),
)


def described(version: str, *versions: str) -> dict[str, Any]:
    return {"properties": {"version": version, "versions": list(versions)}}


async def pinned(arm: ResourceManager, customer: Customer, pin: str) -> ExpectedAssignment:
    customer.assign(Assignment("pinned", "Pinned", LATEST, properties={"definitionVersion": pin}))
    group = ResourceGroupId.parse(customer.managed_resource_group_id)
    found = await expected_assignments(arm, group, DefinitionNames(), deadline=time.monotonic() + 20)
    [one] = [one for one in found or () if one.id.endswith("/pinned")]
    return one


@pytest.mark.parametrize(
    ("pin", "name", "disabled"),
    [
        ("", "Two", ("",)),
        ("2.*.*", "Two", ("",)),
        ("1.*.*", "One ten", ()),
        ("1.2.*", "One two", ("",)),
        ("3.*.*", "", None),
    ],
)
async def test_what_an_assignment_judges_is_what_its_version_says(
    arm: ResourceManager, customer: Customer, pin: str, name: str, disabled: tuple[str, ...] | None
) -> None:
    found = await pinned(arm, customer, pin)
    assert found.posture is not None
    assert (found.definition_display_name, found.posture.disabled) == (name, disabled)


async def test_a_version_costs_a_second_read_only_where_it_is_not_the_latest(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer
) -> None:
    await pinned(arm, customer, "1.*.*")
    [read] = sandbox.requests.of(Service.RESOURCE_MANAGER, path_part="/versions/")
    assert read.path.endswith(f"{SECURE_TRANSFER.name}/versions/1.10.0")


@pytest.mark.parametrize(
    ("latest", "pin", "version"),
    [
        (described("2.0.0", "2.0.0", "1.9.0", "1.10.1"), "1.*.*", "1.10.1"),
        (described("2.0.0", "2.0.0", "1.9.0", "1.10.1"), "1.9.*", "1.9.0"),
        (described("1.3.0", "1.3.0", "1.2.0"), "1.*.*", ""),
        (described("1.3.0", "1.3.0", "1.2.0"), "", ""),
        (described("2.1.0-preview", "1.0.0-preview"), "1.*.*-preview", "1.0.0"),
        ({"properties": {}}, "1.*.*", ""),
        (described("the second", "1.2.0", "1.3.0"), "1.*.*", "1.3.0"),
    ],
)
def test_a_pin_takes_the_latest_version_that_it_fits(latest: dict[str, Any], pin: str, version: str) -> None:
    assert pinned_version(latest, pin) == version


@pytest.mark.parametrize("versions", [None, [], ["2.0.0"], [None, "one", "1"], "1.0.0"])
def test_a_version_that_is_not_listed_is_not_taken_for_another(versions: Any) -> None:
    with pytest.raises(MalformedAnswer):
        pinned_version({"properties": {"version": "2.0.0", "versions": versions}}, "1.*.*")
