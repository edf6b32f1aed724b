"""The Functions host as a process: the real app in it, what it shows of itself, and that it never stays behind."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import orjson
import psutil
import pytest

from sandbox.azure.notifications import notification
from sandbox.functions.process import REPOSITORY, FunctionsHostFailedError, FunctionsProcess

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.local_azure import Sandbox

SECONDS = 30.0

SMALL_APP = """
import json, os
import azure.functions as func
app = func.FunctionApp()

@app.route(auth_level=func.AuthLevel.ANONYMOUS)
def environment(req: func.HttpRequest) -> str:
    print("printed by the app")
    return json.dumps(dict(os.environ))

@app.timer_trigger(arg_name="timer", schedule="* * * * * *")
def every_second(timer: func.TimerRequest) -> None:
    pass
"""


def write_app(folder: Path, code: str) -> Path:
    (folder / "function_app.py").write_text(code, encoding="utf-8")
    (folder / "host.json").write_text('{"version": "2.0"}', encoding="utf-8")
    return folder


def test_the_real_app_registers_a_customer_and_collects(sandbox: Sandbox) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    body = orjson.dumps(notification(customer, "PUT", "Succeeded", event_time=dt.datetime.now(dt.UTC)))
    with FunctionsProcess(sandbox.environment) as host:
        assert {"collect_policy_states", "managed_application_notification", "reconcile_registry"} <= {*host.functions}
        secrets = {"code": host.function_key, "sig": sandbox.notification_signature}
        answer = host.send("POST", "/api/resource", query=secrets, body=body)
        assert (answer.status, json.loads(answer.body)["result"]) == (200, "Queued")
        registered = "ManagedApplicationEvents_CL | where Registry_action == 'Registered'"
        end = time.monotonic() + SECONDS
        while not sandbox.workspace.query(registered) and time.monotonic() < end:
            assert host.run_timer("ask_about_pending") is None
        assert host.run_timer("collect_policy_states") is None
        assert host.run_timer("reconcile_registry") is None
        log = host.log()
    assert len(sandbox.workspace.query("PolicyComplianceStates_CL")) == len(customer.owned_states())
    assert "Executed 'collect_policy_states' (Succeeded" in log
    for secret in (*secrets.values(), sandbox.environment["AZURE_CLIENT_SECRET"], "billingDetails", customer.usage_id):
        assert secret not in log


def test_the_real_app_starts_without_settings_and_each_function_names_every_one_that_is_missing() -> None:
    with FunctionsProcess({"APP_ROLE": "local", "COLLECTION_SCHEDULE": "0 0 * * * *"}) as host:
        error = host.run_timer("collect_policy_states") or ""
        answer = host.send("POST", "/api/resource", query={"code": host.function_key, "sig": "x" * 32}, body=b"{}")
    log = host.log()  # complete, now that the host has ended
    required = "AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AzureWebJobsStorage"
    for name in (*required, "DATA_COLLECTION_ENDPOINT", "DATA_COLLECTION_IMMUTABLE_ID"):
        assert f"{name}:" in error
    assert answer.status == 500
    for name in ("NOTIFICATIONS__queueServiceUri", "NOTIFICATION_SIGNATURE"):
        assert f"{name}:" in log
        assert name not in answer.body


def test_the_real_app_does_not_start_without_the_schedule_that_its_timer_is_bound_to() -> None:
    with (
        pytest.raises(FunctionsHostFailedError, match="the setting COLLECTION_SCHEDULE is missing"),
        FunctionsProcess({"APP_ROLE": "worker"}),
    ):
        pass


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({}, "APP_ROLE: is not set; give the app's role: front, worker or api"),
        ({"APP_ROLE": "webhook"}, "APP_ROLE: must be front, worker or api, not 'webhook'"),
        ({"APP_ROLE": "local", "WEBSITE_SITE_NAME": "app"}, "APP_ROLE: local runs every role in one process"),
    ],
)
def test_the_real_app_does_not_start_without_a_role_and_says_which_there_are(
    settings: dict[str, str], problem: str
) -> None:
    with pytest.raises(FunctionsHostFailedError) as failure, FunctionsProcess(settings):
        pass
    assert f"The app does not start: function_app.py cannot be imported: SettingsError: {problem}" in str(failure.value)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (
            "import no_such_module",
            "function_app.py cannot be imported: ModuleNotFoundError: No module named 'no_such_mo",
        ),
        ("app = 'not an app'", "function_app.py has no FunctionApp named app"),
        (None, "has no function_app.py"),
    ],
)
def test_an_app_that_cannot_be_loaded_does_not_start_and_says_why(
    tmp_path: Path, code: str | None, reason: str
) -> None:
    if code is not None:
        write_app(tmp_path, code)
    with pytest.raises(FunctionsHostFailedError) as failure, FunctionsProcess({}, folder=tmp_path):
        pass
    assert f"The app does not start: {reason}" in str(failure.value).replace(f"{tmp_path} ", "")


def test_a_host_json_that_is_broken_is_named(tmp_path: Path) -> None:
    write_app(tmp_path, SMALL_APP)
    (tmp_path / "host.json").write_text("{", encoding="utf-8")
    with (
        pytest.raises(FunctionsHostFailedError, match=r"host\.json cannot be read"),
        FunctionsProcess({}, folder=tmp_path),
    ):
        pass


def test_the_app_sees_its_settings_and_nothing_of_this_machines_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_CLIENT_ID", "somebody else's")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid:8080")
    with FunctionsProcess({"MY_SETTING": "ü"}, folder=write_app(tmp_path, SMALL_APP)) as host:
        seen = json.loads(host.send("GET", "/api/environment").body)
    assert seen["MY_SETTING"] == "ü"
    assert not {"AZURE_CLIENT_ID", "HTTPS_PROXY"} & set(seen)
    assert "printed by the app" in host.log()


def test_a_settings_file_fills_in_what_the_environment_leaves_open(tmp_path: Path) -> None:
    settings = tmp_path / "local.settings.json"
    values = {"MINE": "from the file", "BOTH": "from the file", "AzureWebJobs.every_second.Disabled": "true"}
    settings.write_text(json.dumps({"IsEncrypted": False, "Values": values}), encoding="utf-8")
    app = write_app(tmp_path, SMALL_APP)
    with FunctionsProcess({"BOTH": "from the environment"}, settings_file=str(settings), folder=app) as host:
        seen = json.loads(host.send("GET", "/api/environment").body)
        assert (host.functions, host.disabled) == (["environment"], ["every_second"])
    assert (seen["MINE"], seen["BOTH"]) == ("from the file", "from the environment")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "cannot be read"),
        ("[]", "has no Values"),
        ('{"Values": {"PORT": 1}}', "has no Values that are all texts"),
        ('{"IsEncrypted": true, "Values": {"MINE": "CfDJ8"}}', "is encrypted"),
        (None, "cannot be read"),
    ],
)
def test_a_settings_file_that_cannot_be_used_is_named(tmp_path: Path, text: str | None, reason: str) -> None:
    settings = tmp_path / "local.settings.json"
    if text is not None:
        settings.write_text(text, encoding="utf-8")
    with (
        pytest.raises(FunctionsHostFailedError, match=rf"local\.settings\.json {reason}"),
        FunctionsProcess({}, settings_file=str(settings), folder=write_app(tmp_path, SMALL_APP)),
    ):
        pass


def test_timers_fire_on_their_schedule_only_when_asked_to(tmp_path: Path) -> None:
    fired = threading.Event()

    def on_log(line: str) -> None:
        if "Executed 'every_second' (Succeeded" in line:
            fired.set()

    write_app(tmp_path, SMALL_APP)
    with FunctionsProcess({}, folder=tmp_path, timers=True, on_log=on_log):
        assert fired.wait(30)
    fired.clear()
    with FunctionsProcess({}, folder=tmp_path, on_log=on_log) as host:
        assert host.run_timer("every_second") is None
    assert fired.is_set()
    assert host.log().count("Executed 'every_second'") == 1


def test_the_host_ends_with_its_parent_even_when_that_is_killed(tmp_path: Path) -> None:
    write_app(tmp_path, SMALL_APP)
    code = (
        "import sys, pathlib, time; from sandbox.functions.process import FunctionsProcess\n"
        "with FunctionsProcess({}, folder=pathlib.Path(sys.argv[1])) as host:\n"
        "    print(host.process_id, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        host = psutil.Process(int(parent.stdout.readline()))
        assert host.is_running()
        parent.kill()
        host.wait(30)


def test_a_stopped_host_is_gone_and_a_call_of_it_says_so(tmp_path: Path) -> None:
    with FunctionsProcess({}, folder=write_app(tmp_path, SMALL_APP)) as host:
        process = psutil.Process(host.process_id or 0)
        assert host.is_running
    assert not process.is_running()
    assert not host.is_running
    host.stop()
    with pytest.raises(FunctionsHostFailedError, match="does not answer"):
        host.send("GET", "/api/environment")


@pytest.mark.parametrize("number", [2, 15])
def test_a_signal_ends_the_host_in_good_order(tmp_path: Path, number: int) -> None:
    command = [sys.executable, "-m", "sandbox.functions.host", str(write_app(tmp_path, SMALL_APP)), "--timers"]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as host:
        assert host.stdout is not None
        assert json.loads(host.stdout.readline())["functions"] == ["environment", "every_second"]
        os.kill(host.pid, number)
        _, log = host.communicate(timeout=30)
    assert host.returncode == 0
    assert "Traceback" not in log
