"""Evaluations on demand and remediation tasks of the sandbox: as strict as Azure, asked with the real SDK."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.policyinsights.aio import PolicyInsightsClient
from azure.mgmt.policyinsights.models import QueryOptions, Remediation

from sandbox.services import Service
from sandbox.world.plans import Access
from sandbox.world.policies import POLICY_IDENTITY, REPAIRS, Assignment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from azure.identity.aio import ClientSecretCredential

    from sandbox.local_azure import Sandbox
    from sandbox.world.customers import Customer


@pytest.fixture
def customer(sandbox: Sandbox) -> Customer:
    customer = sandbox.arm.add_customer("Contoso")
    customer.assign(Assignment("repairs", "Repairs", REPAIRS, identity=POLICY_IDENTITY))
    customer.break_resource("storage1", "repairs")
    return customer


@pytest.fixture
async def policy_insights(
    sandbox: Sandbox, credential: ClientSecretCredential, customer: Customer
) -> AsyncIterator[PolicyInsightsClient]:
    arm = sandbox.url(Service.RESOURCE_MANAGER)
    async with PolicyInsightsClient(
        credential,
        customer.subscription_id,
        base_url=arm,
        credential_scopes=[f"{arm}/.default"],
        connection_verify=str(sandbox.certificate_authority),
        retry_total=0,
        polling_interval=0,
    ) as client:
        yield client


def task(customer: Customer, reference: str | None = "noPublicBlobs", name: str = "repairs") -> Remediation:
    identity = f"{customer.managed_resource_group_id}/providers/Microsoft.Authorization/policyAssignments/{name}"
    return Remediation(policy_assignment_id=identity, policy_definition_reference_id=reference)


async def test_a_task_repairs_what_is_compliant_with_the_next_evaluation_only(
    sandbox: Sandbox, policy_insights: PolicyInsightsClient, customer: Customer
) -> None:
    customer.remediation.give_roles(customer.assignments[-1])
    group, tasks = customer.managed_resource_group, policy_insights.remediations
    created = await tasks.create_or_update_at_resource_group(group, "one", task(customer))
    assert (created.provisioning_state, created.name) == ("Accepted", "one")
    states = [(await tasks.get_at_resource_group(group, "one")).provisioning_state for _ in range(3)]
    assert states == ["Evaluating", "Succeeded", "Succeeded"]
    deployed = [one async for one in tasks.list_deployments_at_resource_group(group, "one")]
    assert [(one.status, one.error) for one in deployed] == [("Succeeded", None)]
    repaired = [one for one in customer.owned_states() if one["policyDefinitionReferenceId"] == "noPublicBlobs"]
    assert "NonCompliant" in {one["complianceState"] for one in repaired}
    sandbox.evaluations.may_follow, sandbox.evaluations.retry_after = True, 0
    customer.remediation.evaluation_takes = dt.timedelta()
    begin = policy_insights.policy_states.begin_trigger_resource_group_evaluation
    await (await begin(customer.subscription_id, group)).result()
    customer.remediation.honour_evaluation()
    repaired = [one for one in customer.owned_states() if one["policyDefinitionReferenceId"] == "noPublicBlobs"]
    assert {one["complianceState"] for one in repaired} == {"Compliant"}


@pytest.mark.parametrize(
    ("reference", "assignment", "told"),
    [
        (None, "repairs", "must specify a single policy definition reference ID"),
        ("nonsense", "repairs", "reference ID 'nonsense' could not be found"),
        ("vaultPurgeProtection", "repairs", "cannot be remediated"),
        ("noPublicBlobs", "nonsense", "could not be found"),
    ],
)
async def test_a_task_that_azure_cannot_do_is_refused(
    policy_insights: PolicyInsightsClient, customer: Customer, reference: str | None, assignment: str, told: str
) -> None:
    wanted = task(customer, reference, assignment)
    with pytest.raises(HttpResponseError, match=told) as refused:
        await policy_insights.remediations.create_or_update_at_resource_group(
            customer.managed_resource_group, "one", wanted
        )
    assert (refused.value.status_code, customer.remediation.tasks) == (400, {})


async def test_of_a_reference_one_task_is_under_way_and_it_cannot_be_replaced(
    policy_insights: PolicyInsightsClient, customer: Customer
) -> None:
    group, tasks = customer.managed_resource_group, policy_insights.remediations
    await tasks.create_or_update_at_resource_group(group, "one", task(customer))
    with pytest.raises(HttpResponseError, match="'one' are already running"):
        await tasks.create_or_update_at_resource_group(group, "two", task(customer))
    with pytest.raises(HttpResponseError, match="while it is active"):
        await tasks.create_or_update_at_resource_group(group, "one", task(customer))
    await tasks.create_or_update_at_resource_group(group, "three", task(customer, "storageLogs"))
    wanted = QueryOptions(filter=f"PolicyAssignmentId eq '{task(customer).policy_assignment_id}'")
    listed = [one.name async for one in tasks.list_for_resource_group(group, wanted)]
    assert listed == ["one", "three"]


async def test_a_task_is_canceled_and_deleted(policy_insights: PolicyInsightsClient, customer: Customer) -> None:
    group, tasks = customer.managed_resource_group, policy_insights.remediations
    await tasks.create_or_update_at_resource_group(group, "one", task(customer))
    assert (await tasks.cancel_at_resource_group(group, "one")).provisioning_state == "Cancelling"
    assert (await tasks.get_at_resource_group(group, "one")).provisioning_state == "Canceled"
    with pytest.raises(HttpResponseError, match="completed remediation"):
        await tasks.cancel_at_resource_group(group, "one")
    assert await tasks.delete_at_resource_group(group, "one") is not None
    assert await tasks.delete_at_resource_group(group, "one") is None
    with pytest.raises(ResourceNotFoundError):
        await tasks.get_at_resource_group(group, "one")


async def test_without_roles_and_against_a_deny_assignment_deployments_fail(
    policy_insights: PolicyInsightsClient, customer: Customer
) -> None:
    group, tasks = customer.managed_resource_group, policy_insights.remediations
    await tasks.create_or_update_at_resource_group(group, "one", task(customer))
    for _ in range(2):
        done = await tasks.get_at_resource_group(group, "one")
    assert (done.provisioning_state, done.deployment_status and done.deployment_status.failed_deployments) == (
        "Failed",
        1,
    )
    [failed] = [one async for one in tasks.list_deployments_at_resource_group(group, "one")]
    assert failed.error is not None
    assert failed.error.details is not None
    assert failed.error.details[0].code == "AuthorizationFailed"


async def test_rights_are_asked_for(policy_insights: PolicyInsightsClient, customer: Customer) -> None:
    group, tasks = customer.managed_resource_group, policy_insights.remediations
    customer.revoke_access(Access.REMEDIATE, Access.READ_REMEDIATIONS)
    with pytest.raises(HttpResponseError, match=Access.REMEDIATE):
        await tasks.create_or_update_at_resource_group(group, "one", task(customer))
    with pytest.raises(HttpResponseError, match=Access.READ_REMEDIATIONS):
        await tasks.get_at_resource_group(group, "one")
