"""Who has broken into an app reaches what that app needs, and nothing else; and the probe would notice more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.azure.identity.directory import API_IDENTITY, FRONT_IDENTITY, USER_ASSIGNED
from sandbox.azure.identity.managed_identity import AppIdentities
from sandbox.azure.rights import Assignment, StorageRole
from sandbox.borders.calls import Target
from sandbox.borders.expected import REACHED, differences
from sandbox.borders.probe import break_in
from sandbox.environment import sign_in_settings
from sandbox.local_azure import Sandbox
from sandbox.roles import APPS, Role, accounts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.borders.probe import Findings


@pytest.fixture
def own_sandbox() -> Iterator[Sandbox]:
    """A sandbox whose rights a test may spoil."""
    with Sandbox(identity_storage=True) as sandbox:
        yield sandbox


async def findings_of(sandbox: Sandbox, role: Role) -> Findings:
    customer = sandbox.arm.add_customer("Contoso")
    return await break_in(sandbox.environment_of(role), Target.of(sandbox, customer))


@pytest.mark.parametrize("role", APPS)
async def test_from_inside_an_app_only_what_it_needs_can_be_reached(identity_sandbox: Sandbox, role: Role) -> None:
    findings = await findings_of(identity_sandbox, role)
    assert list(differences(role, findings)) == []


async def test_every_service_of_every_app_is_tried_with_every_token_and_with_none(identity_sandbox: Sandbox) -> None:
    findings = await findings_of(identity_sandbox, Role.FRONT)
    by_call: dict[tuple[str, str], set[str]] = {}
    for attempt in findings.attempts:
        by_call.setdefault((attempt.place, attempt.what), set()).add(attempt.token)
    tokens = by_call["Log Analytics", "query the tables"]
    assert len(tokens) == 7, "one for each of six audiences, and none"
    services = {place for place in findings.tried if place not in {"Identity endpoint", "Entra ID"}}
    assert services == {
        "Resource Manager",
        "Logs ingestion",
        "Log Analytics",
        *(f"{kind} of the {role}" for kind in ("Blobs", "Queues", "Tables") for role in APPS),
    }
    assert all(of_call == tokens for (place, _), of_call in by_call.items() if place in services)


async def test_with_the_workers_federation_only_the_worker_becomes_the_publisher(identity_sandbox: Sandbox) -> None:
    federation = sign_in_settings(identity_sandbox.directory, "federation")
    target = Target.of(identity_sandbox, identity_sandbox.arm.add_customer("Contoso"))
    for role in APPS:
        settings = identity_sandbox.environment_of(role) | federation
        settings.pop("AZURE_CLIENT_SECRET", None)
        findings = await break_in(settings, target)
        assert ("Resource Manager" in findings.granted) == (role is Role.WORKER)


def give_the_front_the_tables(sandbox: Sandbox) -> None:
    worker = accounts_of(sandbox.storage.number)[Role.WORKER].name
    sandbox.storage.rights.assign([Assignment(FRONT_IDENTITY, StorageRole.TABLE_DATA_CONTRIBUTOR, worker)])


def give_the_front_the_secret(sandbox: Sandbox) -> None:
    signature = sandbox.notification_signature
    sandbox.entra_id.secrets.append(signature)


def give_the_front_an_identity_more(sandbox: Sandbox) -> None:
    header = sandbox.book.identity_headers[Role.FRONT]
    sandbox.directory.managed_identity.apps[header] = AppIdentities((FRONT_IDENTITY, USER_ASSIGNED))


def trust_the_front(sandbox: Sandbox) -> None:
    sandbox.directory.assertions.federated_object_ids.add(FRONT_IDENTITY.object_id)


def let_the_front_ingest(sandbox: Sandbox) -> None:
    sandbox.rule.authorized_object_ids.add(FRONT_IDENTITY.object_id)


def let_the_front_write_audit_rows(sandbox: Sandbox) -> None:
    sandbox.audit_rule.authorized_object_ids.add(FRONT_IDENTITY.object_id)


def let_the_front_query(sandbox: Sandbox) -> None:
    sandbox.readers.object_ids.add(FRONT_IDENTITY.object_id)


def let_the_front_act_at_customers(sandbox: Sandbox) -> None:
    sandbox.arm.authorized_object_ids.add(FRONT_IDENTITY.object_id)


def take_the_queue_from_the_front(sandbox: Sandbox) -> None:
    sandbox.storage.rights.withdraw(FRONT_IDENTITY)


@pytest.mark.parametrize(
    ("spoil", "places"),
    [
        (give_the_front_the_tables, {"Tables of the worker"}),
        (give_the_front_the_secret, {"Entra ID", "Resource Manager"}),
        (
            give_the_front_an_identity_more,
            set(REACHED[Role.WORKER]),
        ),
        (trust_the_front, {"Entra ID", "Resource Manager"}),
        (let_the_front_ingest, {"Logs ingestion"}),
        (let_the_front_write_audit_rows, {"Logs ingestion"}),
        (let_the_front_query, {"Log Analytics"}),
        (let_the_front_act_at_customers, {"Resource Manager"}),
        (take_the_queue_from_the_front, {"Queues of the worker", "Blobs of the front"}),
    ],
)
async def test_whatever_is_given_or_taken_is_noticed(
    own_sandbox: Sandbox, spoil: Callable[[Sandbox], None], places: set[str]
) -> None:
    spoil(own_sandbox)
    findings = await findings_of(own_sandbox, Role.FRONT)
    noticed = {text.partition(" at ")[2].partition(":")[0] for text in differences(Role.FRONT, findings)}
    assert noticed == places


def test_of_the_three_apps_each_has_its_own_identity_account_and_header(identity_sandbox: Sandbox) -> None:
    settings = {role: identity_sandbox.environment_of(role) for role in APPS}
    for name in ("MANAGED_IDENTITY_CLIENT_ID", "IDENTITY_HEADER", "AzureWebJobsStorage__blobServiceUri", "APP_ROLE"):
        assert len({of_role[name] for of_role in settings.values()}) == len(APPS), name
    clients = {role: of_role["MANAGED_IDENTITY_CLIENT_ID"] for role, of_role in settings.items()}
    assert clients == {
        Role.FRONT: FRONT_IDENTITY.client_id,
        Role.WORKER: USER_ASSIGNED.client_id,
        Role.API: API_IDENTITY.client_id,
    }


def test_nobody_but_the_worker_is_expected_at_the_customers_or_in_the_registry() -> None:
    for role in (Role.FRONT, Role.API):
        assert not REACHED[role].keys() & {"Entra ID", "Resource Manager", "Tables of the worker"}
        assert "write rows" not in REACHED[role].get("Logs ingestion", ())
    assert REACHED[Role.FRONT]["Queues of the worker"] == ("send to notifications",)
