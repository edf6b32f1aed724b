"""The example settings of each role: they fit `make sandbox`, hold what the role reads, and the role runs with them."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import orjson
import pytest

from checks.app_settings import Asked, trigger_settings
from compliance_api.settings import ApiSettings, is_behind_sign_in
from publisher.environment import SettingsError
from publisher.roles import Role as ProductRole
from publisher.roles import role_from
from publisher.settings import (
    CollectorSettings,
    IntakeSettings,
    NotificationSettings,
    PublicationSettings,
    ReconcileSettings,
)
from sandbox.address_book import FIXED
from sandbox.azure.notifications import notification
from sandbox.example_settings import FOLDERS, NAME, example_of
from sandbox.functions.front_door import FrontDoor
from sandbox.functions.local_settings import local_settings
from sandbox.functions.process import FunctionsProcess
from sandbox.local_azure import Sandbox
from sandbox.roles import APPS, Role

ROOT = Path(__file__).resolve().parents[1]

READERS: Mapping[Role, tuple[Callable[[Mapping[str, str]], object], ...]] = {
    Role.FRONT: (role_from, NotificationSettings.from_environment),
    Role.WORKER: (
        role_from,
        CollectorSettings.from_environment,
        ReconcileSettings.from_environment,
        PublicationSettings.from_environment,
        IntakeSettings.from_environment,
    ),
    Role.API: (role_from, ApiSettings.from_environment, is_behind_sign_in),
}
"""What each role's functions read their settings with."""

READ_BY_OTHERS = {
    "FUNCTIONS_WORKER_RUNTIME": "Core Tools, to know the language",
    "AzureWebJobsStorage": "every Functions host, for itself",
    "IDENTITY_ENDPOINT": "azure-identity",
    "IDENTITY_HEADER": "azure-identity",
    "SSL_CERT_FILE": "OpenSSL, by publisher.transport",
    "NO_PROXY": "urllib, by publisher.transport",
}
PUBLISHERS = {"AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "PUBLISHER_FEDERATED_IDENTITY_CLIENT_ID"}
"""Settings of who acts at the customers."""

SECONDS = 30.0


def example(role: Role) -> str:
    return f"{FOLDERS[role]}/{NAME}"


def values_of(role: Role) -> dict[str, str]:
    return local_settings(ROOT / example(role))


def test_the_sandbox_plays_the_roles_that_the_product_has() -> None:
    assert {role.value for role in Role} == {role.value for role in ProductRole}


def test_the_committed_examples_are_what_the_sandbox_writes(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sandbox", "settings", "--into", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    for role in APPS:
        written = (tmp_path / example(role)).read_text(encoding="utf-8")
        assert (ROOT / example(role)).read_text(encoding="utf-8") == written, "run python -m sandbox settings"
    committed = {path.parent.name for path in ROOT.glob(f"*/{NAME}")}
    assert committed == {FOLDERS[role] for role in APPS}


@pytest.mark.parametrize("role", READERS)
def test_an_example_has_the_settings_that_the_role_reads_and_no_more(role: Role) -> None:
    asked = Asked()
    for read in READERS[role]:
        with suppress(SettingsError):  # nothing is set, so everything is asked for and then complained about
            read(asked)
    asked.names |= trigger_settings(ProductRole(role))
    every = {name for one in APPS for name in example_of(one)}
    assert set(values_of(role)) == (asked.names & every) | READ_BY_OTHERS.keys()


@pytest.mark.parametrize("role", [Role.FRONT, Role.API])
def test_only_the_worker_has_anything_of_the_publishers_credential(role: Role) -> None:
    asked = Asked()
    for read in READERS[role]:
        with suppress(SettingsError):
            read(asked)
    assert (asked.names | values_of(role).keys()) & PUBLISHERS == set()
    assert PUBLISHERS & values_of(Role.WORKER).keys()


@pytest.mark.timeout(240)  # others may have their turn with the ports first
@pytest.mark.usefixtures("fixed_ports")
def test_the_roles_run_one_by_one_from_their_examples_and_hand_on_to_each_other() -> None:
    served: dict[Role, list[str]] = {}
    with Sandbox(FIXED, identity_storage=True) as sandbox:
        customer = sandbox.arm.add_customer("Contoso")
        body = orjson.dumps(notification(customer, "PUT", "Succeeded", event_time=dt.datetime.now(dt.UTC)))

        with FunctionsProcess({}, settings_file=example(Role.FRONT)) as front:
            signature = values_of(Role.FRONT)["NOTIFICATION_SIGNATURE"]
            for sig, status in (("somebody-elses-signature", 401), (signature, 200)):
                query = {"code": front.function_key, "sig": sig}
                answer = front.send("POST", "/api/resource", query=query, body=body)
                assert answer.status == status, front.log()
            assert json.loads(answer.body)["result"] == "Queued"
            served[Role.FRONT] = front.functions

        with FunctionsProcess({}, settings_file=example(Role.WORKER)) as worker:
            registered = "ManagedApplicationEvents_CL | where Registry_action == 'Registered'"
            end = time.monotonic() + SECONDS
            while not sandbox.workspace.query(registered) and time.monotonic() < end:
                assert worker.run_timer("ask_about_pending") is None
            assert worker.run_timer("collect_policy_states") is None
            assert worker.run_timer("reconcile_registry") is None
            assert worker.send("POST", "/api/resource", query={"code": worker.function_key}).status == 404
            served[Role.WORKER] = worker.functions
        [run] = sandbox.workspace.query("PolicyCollectionRuns_CL")
        assert (run["Applications"], run["States"]) == (1, len(customer.owned_states()))

        with (
            FunctionsProcess({}, settings_file=example(Role.API)) as api,
            FrontDoor(sandbox.directory.issuer, api.url) as door,
        ):
            answer = door.get("/api/compliance", {"Authorization": f"Bearer {door.token()}"})
            assert (answer.status, json.loads(answer.body)["applications"]["total"]) == (200, 1), api.log()
            assert door.get("/api/compliance", {}).status == 401
            assert api.send("GET", "/api/compliance").status == 401
            served[Role.API] = api.functions
        with FunctionsProcess(sandbox.environment) as every:
            together = every.functions
    assert sorted(name for names in served.values() for name in names) == together, "each function runs in one role"
