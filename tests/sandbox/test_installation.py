"""The product installed as three apps: what each serves and is given, and how they hand on to each other."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING

import pytest

from sandbox.azure.identity.directory import AGENT, API_CLIENT_ID
from sandbox.faults.effects import Status
from sandbox.faults.operations import ApplicationRead
from sandbox.functions.door import HEADER
from sandbox.functions.easy_auth import READ
from sandbox.functions.process import FunctionsHostFailedError, FunctionsProcess
from sandbox.installation import ASKER, COLLECTOR, Installation
from sandbox.roles import APPS, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 30.0
SECRETS = {"AZURE_CLIENT_SECRET": Role.WORKER, "NOTIFICATION_SIGNATURE": Role.FRONT, "API_CLIENT_ID": Role.API}
"""Settings that one app alone is given."""


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    with Installation() as installed:
        yield installed


def active(installation: Installation) -> set[str]:
    return {row["application_id"].lower() for row in installation.registry_rows() if row["status"] == "active"}


def test_each_function_runs_in_one_app_and_nothing_is_switched_off(installation: Installation) -> None:
    functions = [name for host in installation.hosts.values() for name in host.functions]
    assert len(functions) == len(set(functions))
    assert installation.front.functions == ["managed_application_notification"]
    assert {"take_notification", "take_poisoned_notification", ASKER, COLLECTOR} <= {*installation.worker.functions}
    assert "compliance_fleet" in installation.api.functions
    assert [host.disabled for host in installation.hosts.values()] == [[], [], []]


def test_each_app_is_given_its_own_settings_only(installation: Installation) -> None:
    settings = {role: installation.environment_of(role) for role in APPS}
    for name, owner in SECRETS.items():
        assert [role for role in APPS if name in settings[role]] == [owner]
    assert "AccountKey" not in str(settings), "identities open the storage accounts"


def test_nobody_gets_round_the_sign_in_by_calling_the_host_of_the_api_itself(installation: Installation) -> None:
    claims = {"tid": installation.environment_of(Role.API)["AZURE_TENANT_ID"], "aud": API_CLIENT_ID, "roles": READ}
    claims |= {"appid": AGENT.client_id, "oid": AGENT.object_id}
    principal = {"auth_typ": "aad", "claims": [{"typ": name, "val": value} for name, value in claims.items()]}
    encoded = base64.b64encode(json.dumps(principal).encode()).decode()
    forged = {"X-MS-CLIENT-PRINCIPAL": encoded, "X-MS-CLIENT-PRINCIPAL-ID": AGENT.object_id}
    for headers in (forged, forged | {HEADER: ""}, forged | {HEADER: installation.api.function_key}):
        assert installation.api.send("GET", "/api/compliance", headers=headers).status == 403
    assert installation.front_door.get("/api/compliance", forged | {HEADER: ""}).status == 401
    signed_in = {"Authorization": f"Bearer {installation.front_door.token()}", HEADER: "wrong"}
    assert installation.front_door.get("/api/compliance", signed_in).status == 200


def test_a_deployment_is_registered_and_a_deletion_marked_when_the_call_returns(installation: Installation) -> None:
    customer = installation.sandbox.arm.add_customer("Contoso")
    assert [answer.status for answer in installation.deploy(customer).values()] == [200, 200]
    assert customer.application_id.lower() in active(installation)
    assert [answer.status for answer in installation.delete(customer).values()] == [200, 200]
    assert customer.application_id.lower() not in active(installation)


def test_what_resource_manager_does_not_answer_about_is_left_for_later(installation: Installation) -> None:
    customer = installation.sandbox.arm.add_customer("Fabrikam")
    installation.sandbox.faults.add(ApplicationRead(customer), Status(503))
    installation.deploy(customer)
    assert customer.application_id.lower() not in active(installation)
    assert not installation.ask_if_due(), "it waits its minute"
    [event] = installation.sandbox.workspace.query(
        f"ManagedApplicationEvents_CL | where Application_name == '{customer.application_name}' "
        "| where Provisioning_state == 'Succeeded' | top 1 by TimeGenerated desc"
    )
    assert event["Registry_action"] == "Pending"


def test_the_front_answers_while_the_worker_is_away_and_its_successor_takes_what_came(
    installation: Installation,
) -> None:
    customer = installation.sandbox.arm.add_customer("Northwind")
    installation.worker.stop()
    assert installation.notify(customer, "PUT", "Succeeded").status == 200
    assert installation.storage.messages() == 1
    with pytest.raises(FunctionsHostFailedError, match="worker's Functions host has ended"):
        installation.work_off()
    with FunctionsProcess(installation.environment_of(Role.WORKER)) as successor:
        end = time.monotonic() + SECONDS
        while customer.application_id.lower() not in active(installation) and time.monotonic() < end:
            assert successor.run_timer(ASKER) is None
    assert customer.application_id.lower() in active(installation)
    assert installation.storage.messages() == 0
