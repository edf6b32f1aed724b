"""What speaks against a remediation is told before anything is created; what could not be read is never taken for fine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from sandbox.faults.effects import Edited, Effect, Status, html
from sandbox.faults.operations import (
    ApplicationRead,
    AssignmentList,
    DefinitionRead,
    DenyAssignmentList,
    PermissionList,
    PolicyQuery,
    RemediationList,
    RoleAssignmentList,
)
from sandbox.world.customers import Customer
from sandbox.world.plans import Access
from sandbox.world.policies import (
    CONTRIBUTOR,
    NO_PUBLIC_BLOBS,
    NO_PUBLIC_BLOBS_ASSIGNMENT,
    OWNER,
    POLICY_IDENTITY,
    SECURE_TRANSFER,
    STORAGE_CONTRIBUTOR,
    Assignment,
)
from sandbox.world.remediation import DenyAssignment, RoleAssignment
from tests.operations.acting.conftest import Violated
from tests.operations.command_line import Cli

Add = Callable[..., Violated]
Change = Callable[[Customer], object]


def without_identity(customer: Customer) -> None:
    customer.assignments = tuple(replace(one, identity="") for one in customer.assignments)


def with_roles(*roles: str) -> Change:
    def give(customer: Customer) -> None:
        group = customer.managed_resource_group_id
        customer.remediation.roles = [RoleAssignment(POLICY_IDENTITY, one, group) for one in roles]

    return give


def denied(*excluded: str, actions: tuple[str, ...] = ("*",), here_only: bool = False) -> Change:
    def deny(customer: Customer) -> None:
        denial = DenyAssignment("system deny", actions=actions, excluded=excluded, here_only=here_only)
        customer.remediation.denials = [denial]

    return deny


def below_the_group(customer: Customer) -> None:
    scope = f"{customer.managed_resource_group_id}/providers/Microsoft.Storage/storageAccounts/storage1"
    customer.remediation.roles = [RoleAssignment(POLICY_IDENTITY, STORAGE_CONTRIBUTOR, scope)]


def of_somebody_else(customer: Customer) -> None:
    other = "0e000000-0000-4000-8000-000000000001"
    customer.remediation.roles = [RoleAssignment(other, STORAGE_CONTRIBUTOR, customer.managed_resource_group_id)]


def just_in_time(customer: Customer) -> None:
    customer.jit_access_policy = {"jitAccessEnabled": True, "jitApprovalMode": "ManualApprove"}


def outside_the_window(customer: Customer) -> None:
    just_in_time(customer)
    customer.revoke_access(Access.REMEDIATE)


def assert_refused(violated: Violated, *told: str, options: tuple[str, ...] = ()) -> None:
    """Both runs, that which shows and that which would create, refuse; nothing was created, and nobody is told of it."""
    violated.sandbox.clear_counts()
    for done in (violated.remediate("--json", *options), violated.create(*options)):
        assert done.status == 1, done.output
        for words in told:
            assert words in done.document["error"], done.document["error"]
        assert "nothing was created" in done.document["error"]
    assert (violated.acted, violated.tasks, violated.events) == ([], [], [])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (without_identity, "the assignment has no managed identity"),
        (with_roles(), "the assignment's identity lacks the roles: Storage Account Contributor"),
        (below_the_group, "the assignment's identity lacks the roles"),
        (of_somebody_else, "the assignment's identity lacks the roles"),
        (lambda one: setattr(one, "management_mode", "Unmanaged"), "the plan is locked"),
        (lambda one: one.revoke_access(Access.REMEDIATE), "we may not create remediations"),
        (outside_the_window, "the plan is just-in-time"),
        (lambda one: one.start_deleting(), "the application is Deleting"),
        (lambda one: one.unassign("no-public-blobs"), "the assignment was withdrawn"),
        (lambda one: one.disable("no-public-blobs"), "Azure calls no resource non-compliant now"),
        (
            lambda one: one.change_assignment("no-public-blobs", parameters={"effect": {"value": "Disabled"}}),
            "the effect is disabled",
        ),
        (
            lambda one: one.change_assignment(
                "no-public-blobs", overrides=[{"kind": "policyEffect", "value": "Audit", "selectors": []}]
            ),
            "the effect is audit",
        ),
    ],
)
def test_what_azure_says_against_it_is_told_before_anything_is_created(
    violated: Violated, change: Change, told: str
) -> None:
    change(violated.customer)
    assert_refused(violated, told)
    assert_refused(violated, told, options=("--force",))


@pytest.mark.parametrize(
    "change",
    [
        with_roles(OWNER),
        with_roles(OWNER, CONTRIBUTOR),
        denied(POLICY_IDENTITY),
        denied(actions=("Microsoft.KeyVault/*",)),
        denied(here_only=True),
        lambda one: one.change_assignment("no-public-blobs", enforcementMode="DoNotEnforce"),
    ],
)
def test_what_does_not_speak_against_it_refuses_nothing(violated: Violated, change: Change) -> None:
    change(violated.customer)
    done = violated.remediate("--json")
    assert (done.status, done.document["plan"]["doubts"]) == (0, []), done.output


def test_an_audit_effect_cannot_be_remediated(add: Add) -> None:
    violated = add(Assignment("https", "HTTPS", SECURE_TRANSFER, identity=POLICY_IDENTITY))
    assert_refused(violated, "nothing can be remediated", "the effect is audit")


def test_a_reference_that_nothing_violates_is_refused_and_the_violated_ones_are_told(initiative: Violated) -> None:
    told = "no resource violates reference nonsense now; violated are: noPublicBlobs, storageLogs"
    assert_refused(initiative, told, options=("--reference", "nonsense"))


def test_an_assignment_inside_the_group_is_refused_with_the_command_for_it(add: Add) -> None:
    violated = add(NO_PUBLIC_BLOBS_ASSIGNMENT, inside="Microsoft.Storage/storageAccounts/storage1")
    assert_refused(violated, "az policy remediation create --resource", options=("--force",))


@pytest.mark.parametrize(
    ("target", "fault", "doubt"),
    [
        (RoleAssignmentList(), Status(403), "the roles of the assignment's identity could not be read"),
        (DenyAssignmentList(), Status(403), "deny assignments could not be read"),
        (DenyAssignmentList(), html(403), "deny assignments could not be read"),
        (DefinitionRead(), Status(403), "which roles it needs, could not be read"),
        (AssignmentList(), Status(403), "the assignment and its identity could not be read"),
        (ApplicationRead(), Status(403), "whether its plan is locked, could not be read"),
        (RemediationList(), Status(403), "whether a remediation is under way could not be read"),
    ],
)
def test_what_could_not_be_read_is_a_doubt_that_only_force_overrules(
    violated: Violated, target: Any, fault: Effect, doubt: str
) -> None:
    scripted = violated.sandbox.faults.add(target, fault)
    assert_refused(violated, doubt, "say --force")
    done = violated.remediate("--force", "--json")
    assert (done.status, any(doubt in one for one in done.document["plan"]["doubts"])) == (0, True), done.document
    forced = violated.create("--force", "--wait", "0")
    assert (forced.status, len(violated.tasks)) == (0, 1), forced.errors
    violated.sandbox.faults.remove(scripted)


def test_a_list_without_deny_assignments_proves_nothing_to_who_may_not_read_them(violated: Violated) -> None:
    violated.customer.revoke_access(Access.DENIALS)
    assert_refused(violated, "deny assignments could not be read", "say --force")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (with_roles(CONTRIBUTOR), "the identity has Contributor and lacks the roles Storage Account Contributor"),
        (just_in_time, "the plan is just-in-time"),
        (denied(), "deny assignment 'system deny' denies Microsoft.Storage/storageAccounts/write"),
        (denied("0e000000-0000-4000-8000-000000000001"), "deny assignment 'system deny'"),
        (denied(actions=("Microsoft.Storage/*",)), "deny assignment 'system deny'"),
    ],
)
def test_what_only_azure_knows_is_a_doubt(violated: Violated, change: Change, told: str) -> None:
    change(violated.customer)
    assert_refused(violated, told, "cannot be told", "say --force")
    assert violated.remediate("--force", "--json").status == 0


def test_states_that_cannot_be_read_refuse_also_with_force(violated: Violated) -> None:
    violated.sandbox.faults.add(PolicyQuery(), Status(403))
    assert_refused(violated, "what violates it now could not be read", options=("--force",))


def test_that_our_own_permissions_cannot_be_read_is_a_doubt_about_what_is_denied(violated: Violated) -> None:
    violated.sandbox.faults.add(PermissionList(), Status(403))
    assert_refused(violated, "deny assignments could not be read", "say --force")
    done = violated.remediate("--force", "--json")
    assert (done.status, done.document["plan"]["notes"]) == (
        0,
        ["whether we may create remediations there could not be read; Azure will say"],
    )


def test_what_is_not_open_is_refused_and_what_is_open_is_said(violated: Violated) -> None:
    identity = violated.customer.application_id
    done = violated.cli("remediate", identity, "--assignment", "secure-transfer")
    assert (done.status, "no violation of secure-transfer is open" in done.errors) == (1, True)
    done = violated.cli("remediate", identity, "--assignment", "nonsense")
    assert (done.status, "open is: no-public-blobs (2 violations)" in done.errors) == (1, True)


def test_an_application_that_is_not_registered_is_refused(cli: Cli, customer: Customer) -> None:
    done = cli("remediate", customer.application_id, "--assignment", "x", "--json")
    assert (done.status, "is not in the registry" in done.document["error"]) == (1, True)


def test_a_definition_of_the_customers_own_is_remediated_by_what_its_states_say(add: Add) -> None:
    own = replace(NO_PUBLIC_BLOBS, scope="/subscriptions/5b5e0000-5b5e-5b5e-5b5e-5b5e00000000")
    violated = add(Assignment("own", "Own", own, identity=POLICY_IDENTITY))
    assert_refused(violated, "which roles it needs, could not be read", "say --force")
    done = violated.remediate("--force", "--json")
    assert done.document["plan"]["steps"][0]["effect"] == "modify"
    assert done.document["plan"]["steps"][0]["roles_needed"] is None


def test_a_pinned_definition_is_remediated_by_what_its_version_needs(add: Add) -> None:
    latest = replace(NO_PUBLIC_BLOBS, version="2.0.0", roles=(OWNER,), earlier=(NO_PUBLIC_BLOBS,))
    violated = add(Assignment("pinned", "Pinned", latest, identity=POLICY_IDENTITY))
    done = violated.remediate("--json")
    assert done.status == 0, done.errors
    [step] = done.document["plan"]["steps"]
    assert (step["effect"], step["roles_needed"]) == ("modify", [STORAGE_CONTRIBUTOR])


@pytest.mark.parametrize(
    "properties",
    [{"definitionVersion": "1.*.*"}, {"overrides": [{"kind": "definitionVersion", "value": "1.0.*"}]}],
)
def test_a_version_that_azure_does_not_list_or_an_override_sets_is_a_doubt(
    add: Add, properties: dict[str, Any]
) -> None:
    latest = replace(NO_PUBLIC_BLOBS, version="2.0.0")
    pinned = {"definitionVersion": "2.*.*", **properties}
    violated = add(Assignment("pinned", "Pinned", latest, properties=pinned, identity=POLICY_IDENTITY))
    assert_refused(violated, "which roles it needs, could not be read", "say --force")


@pytest.mark.parametrize(
    "identity",
    [
        {"type": "UserAssigned", "userAssignedIdentities": {"/identity": {}}},
        {"type": "UserAssigned", "userAssignedIdentities": {"/identity": None}},
        {"type": "SystemAssigned", "principalId": None},
    ],
)
def test_an_identity_whose_principal_azure_does_not_tell_is_a_doubt_and_not_missing(
    violated: Violated, identity: dict[str, Any]
) -> None:
    violated.sandbox.faults.add(AssignmentList(), Edited(lambda one: one.update(identity=identity)))
    assert_refused(violated, "whose principal Azure does not tell", "say --force")
    assert violated.remediate("--force", "--json").status == 0


@pytest.mark.parametrize("details", [None, {"operations": []}, {"roleDefinitionIds": [None]}])
def test_a_definition_that_tells_no_roles_is_a_doubt(violated: Violated, details: Any) -> None:
    rule = {"effect": " Modify", "details": details}
    edited = Edited(lambda one: one["properties"]["policyRule"].update(then=rule))
    violated.sandbox.faults.add(DefinitionRead(), edited)
    assert_refused(violated, "which roles it needs, could not be read", "say --force")


IN_WEST_EUROPE = [{"kind": "resourceLocation", "in": ["westeurope"]}]


@pytest.mark.parametrize("own", ["Modify", "Audit"])
@pytest.mark.parametrize(
    ("evaluated", "status", "told"),
    [
        (("modify", "modify"), 0, None),
        (("audit", "audit"), 1, "nothing can be remediated"),
        (("modify", "audit"), 1, "had the effect audit for 1 of 2 resources"),
    ],
)
def test_what_an_override_for_some_resources_leaves_is_what_azure_evaluated(
    violated: Violated, own: str, evaluated: tuple[str, ...], status: int, told: str | None
) -> None:
    override = {"kind": "policyEffect", "value": "Audit" if own == "Modify" else "Modify", "selectors": IN_WEST_EUROPE}
    violated.customer.change_assignment("no-public-blobs", parameters={"effect": {"value": own}}, overrides=[override])
    open_now = (one for one in violated.customer.states.documents if one["complianceState"] == "NonCompliant")
    for state, effect in zip(open_now, evaluated, strict=True):
        state["policyDefinitionAction"] = effect
    done = violated.remediate("--json")
    assert (done.status, (told or "") in (done.document["error"] or "")) == (status, True), done.output
