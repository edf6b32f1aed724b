"""The example settings of each role: they fit `make sandbox`, hold what the role reads, and the role runs with them."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import orjson
import pytest

from checks.app_settings import Asked, trigger_settings
from compliance_api.settings import ApiSettings, is_behind_sign_in
from publisher.environment import SettingsError
from publisher.settings import CollectorSettings, NotificationSettings, ReconcileSettings
from sandbox.address_book import FIXED
from sandbox.azure.notifications import notification
from sandbox.example_settings import API, FRONT, NAME, ROLES, WORKER, fixed_settings
from sandbox.functions.front_door import FrontDoor
from sandbox.functions.local_settings import local_settings
from sandbox.functions.process import FunctionsProcess
from sandbox.local_azure import Sandbox

ROOT = Path(__file__).resolve().parents[1]

READERS: Mapping[str, tuple[Callable[[Mapping[str, str]], object], ...]] = {
    FRONT.folder: (NotificationSettings.from_environment,),
    WORKER.folder: (CollectorSettings.from_environment, ReconcileSettings.from_environment),
    API.folder: (ApiSettings.from_environment, is_behind_sign_in),
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


def example(folder: str) -> str:
    return f"{folder}/{NAME}"


def values_of(folder: str) -> dict[str, str]:
    return local_settings(ROOT / example(folder))


def test_the_committed_examples_are_what_the_sandbox_writes(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sandbox", "settings", "--into", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    for role in ROLES:
        written = (tmp_path / example(role.folder)).read_text(encoding="utf-8")
        assert (ROOT / example(role.folder)).read_text(encoding="utf-8") == written, "run python -m sandbox settings"
    committed = {path.parent.name for path in ROOT.glob(f"*/{NAME}")}
    assert committed == {role.folder for role in ROLES}


@pytest.mark.parametrize("folder", READERS)
def test_an_example_has_the_settings_that_the_role_reads_and_no_more(folder: str) -> None:
    asked = Asked()
    for read in READERS[folder]:
        with suppress(SettingsError):  # nothing is set, so everything is asked for and then complained about
            read(asked)
    if folder == WORKER.folder:
        asked.names |= trigger_settings()
    given = {name for name in values_of(folder) if not name.endswith(".Disabled")}
    assert given == (asked.names & fixed_settings().keys()) | READ_BY_OTHERS.keys()


@pytest.mark.timeout(240)  # others may have their turn with the ports first
@pytest.mark.usefixtures("fixed_ports")
def test_the_roles_run_one_by_one_from_their_examples_and_hand_on_to_each_other() -> None:
    served: list[str] = []
    with Sandbox(FIXED) as sandbox:
        customer = sandbox.arm.add_customer("Contoso")
        body = orjson.dumps(notification(customer, "PUT", "Succeeded", event_time=dt.datetime.now(dt.UTC)))

        with FunctionsProcess({}, settings_file=example(FRONT.folder)) as front:
            signature = values_of(FRONT.folder)["NOTIFICATION_SIGNATURE"]
            for sig, status in (("somebody-elses-signature", 401), (signature, 200)):
                query = {"code": front.function_key, "sig": sig}
                answer = front.send("POST", "/api/resource", query=query, body=body)
                assert answer.status == status, front.log()
            assert json.loads(answer.body)["result"] == "Registered"
            served += front.functions
            every = {*front.functions, *front.disabled}

        with FunctionsProcess({}, settings_file=example(WORKER.folder)) as worker:
            assert worker.run_timer("collect_policy_states") is None
            assert worker.run_timer("reconcile_registry") is None
            assert worker.send("POST", "/api/resource", query={"code": worker.function_key}).status == 404
            served += worker.functions
        [run] = sandbox.workspace.query("PolicyCollectionRuns_CL")
        assert (run["Applications"], run["States"]) == (1, len(customer.owned_states()))

        with (
            FunctionsProcess({}, settings_file=example(API.folder)) as api,
            FrontDoor(sandbox.directory.issuer, api.url) as door,
        ):
            answer = door.get("/api/compliance", {"Authorization": f"Bearer {door.token()}"})
            assert (answer.status, json.loads(answer.body)["applications"]["total"]) == (200, 1), api.log()
            assert door.get("/api/compliance", {}).status == 401
            assert api.send("GET", "/api/compliance").status == 401
            served += api.functions
    assert sorted(served) == sorted(every), "each function runs in one role, and in one only"
