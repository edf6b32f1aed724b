"""The Functions app as the platform meets it: its role decides what it indexes, and settings are clear when it runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from publisher.settings import SettingsError
from sandbox.local_azure import Sandbox
from tests.functions import Tick, functions, trigger_of

ROOT = Path(__file__).parents[1]

FUNCTIONS = {
    "front": {"managed_application_notification"},
    "worker": {
        "ask_about_pending",
        "collect_policy_states",
        "collect_shard",
        "discover_applications",
        "export_registry_and_ledger",
        "publish_verdicts",
        "reconcile_registry",
        "take_notification",
        "take_poisoned_notification",
    },
    "api": {
        "any_other_address",
        "api_description",
        "compliance_application",
        "compliance_applications",
        "compliance_exemptions",
        "compliance_findings",
        "compliance_fleet",
        "compliance_history",
        "compliance_metrics",
        "compliance_plans",
        "compliance_resolved",
        "compliance_runs",
        "list_tables",
        "operations_page",
        "operations_page_file",
        "query_logs",
        "saved_queries",
        "saved_query",
        "tools_for_agents",
    },
}
ROOMS_OF = {
    "front": {"notification_endpoint", "publisher"},
    "worker": {"collector", "publisher", "registry", "verdicts"},
    "api": {"compliance_api", "publisher"},
}
EVERY_ROOM = ("notification_endpoint", "collector", "verdicts", "registry", "compliance_api", "operations", "publisher")
HEAVY = ("azure.identity", "azure.data", "azure.monitor", "azure.mgmt", "azure.storage", "aiohttp", "rich")


def run(script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a process whose environment has these variables alone."""
    command = [sys.executable, "-c", script]
    return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)


def indexed(role: str, **settings: str) -> dict[str, list[str]]:
    """The functions of an app with no other settings besides its role, and which modules it has loaded for that."""
    script = f"""
import json, sys, function_app
names = [function.get_function_name() for function in function_app.app.get_functions()]
rooms = {{name.partition(".")[0] for name in sys.modules}} & set({EVERY_ROOM})
heavy = [name for name in sys.modules if name.startswith({HEAVY})]
print(json.dumps({{"functions": names, "rooms": sorted(rooms), "heavy": heavy}}))
"""
    done = run(script, APP_ROLE=role, **settings)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("role", FUNCTIONS)
def test_an_app_indexes_the_functions_of_its_role_without_settings_and_loads_nothing_else(role: str) -> None:
    found = indexed(role)
    assert set(found["functions"]) == FUNCTIONS[role]
    assert set(found["rooms"]) == ROOMS_OF[role]
    assert found["heavy"] == []


def test_each_function_has_one_role_and_a_developers_machine_has_them_all() -> None:
    every = [name for names in FUNCTIONS.values() for name in names]
    assert len(every) == len(set(every))
    found = indexed("local")
    assert sorted(found["functions"]) == sorted(every)
    assert found["heavy"] == []


@pytest.mark.parametrize("schedule", ["", "  "])
def test_without_a_schedule_there_is_no_probe(schedule: str) -> None:
    assert set(indexed("worker", PROBE_SCHEDULE=schedule)["functions"]) == FUNCTIONS["worker"]


@pytest.mark.parametrize("role", ["worker", "local"])
def test_a_schedule_switches_the_probe_on_in_the_app_that_collects(role: str) -> None:
    found = indexed(role, PROBE_SCHEDULE="0 */5 * * * *")
    every = FUNCTIONS["worker"] if role == "worker" else set().union(*FUNCTIONS.values())
    assert set(found["functions"]) == {*every, "bring_turns_forward"}
    assert found["heavy"] == []


@pytest.mark.parametrize("role", ["front", "api"])
def test_the_other_apps_have_no_probe(role: str) -> None:
    assert set(indexed(role, PROBE_SCHEDULE="0 */5 * * * *")["functions"]) == FUNCTIONS[role]


def test_the_worker_has_no_route_and_the_front_one() -> None:
    assert {trigger_of(name, "worker")["type"] for name in functions("worker")} == {"timerTrigger", "queueTrigger"}
    assert [trigger_of(name, "front").get("route") for name in functions("front")] == ["{*path}"]
    assert {trigger_of(name, "api")["type"] for name in functions("api")} == {"httpTrigger"}


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "APP_ROLE: is not set; give the app's role: front, worker or api"),
        ({"APP_ROLE": ""}, "APP_ROLE: is not set; give the app's role: front, worker or api"),
        ({"APP_ROLE": "webhook"}, "APP_ROLE: must be front, worker or api, not 'webhook'"),
        (
            {"APP_ROLE": "local", "WEBSITE_SITE_NAME": "func-compliance"},
            (
                "APP_ROLE: local runs every role in one process, which is for a developer's machine only, and "
                "WEBSITE_SITE_NAME says that this is none; deploy one app for each of front, worker and api"
            ),
        ),
    ],
)
def test_an_app_without_a_role_of_its_own_does_not_start_and_says_why(variables: dict[str, str], said: str) -> None:
    done = run("import function_app", **variables)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1] == f"publisher.environment.SettingsError: {said}"


def test_the_timer_collects_on_the_schedule_of_the_settings_and_never_on_startup() -> None:
    trigger = trigger_of("collect_policy_states")

    assert (trigger["type"], trigger["schedule"]) == ("timerTrigger", "%COLLECTION_SCHEDULE%")
    assert (trigger["runOnStartup"], trigger["useMonitor"]) == (False, True)


def test_the_webhook_listens_on_every_path_that_a_mistaken_address_has_and_wants_a_function_key_on_each() -> None:
    trigger = trigger_of("managed_application_notification")

    assert (trigger["type"], trigger["route"], str(trigger["authLevel"]).lower()) == (
        "httpTrigger",
        "{*path}",
        "function",
    )
    assert [getattr(method, "value", method) for method in trigger["methods"]] == ["POST"]  # type: ignore[attr-defined]


def test_what_the_webhook_sends_the_worker_takes_and_again_when_it_failed_for_long() -> None:
    queues = {name: trigger_of(name)["queueName"] for name in functions() if "queueName" in trigger_of(name)}
    assert queues["take_notification"] == "notifications"
    assert queues["take_poisoned_notification"] == "notifications-poison"
    assert {trigger_of(name)["connection"] for name in queues} == {"AzureWebJobsStorage"}


def test_the_registry_is_reconciled_once_a_day() -> None:
    trigger = trigger_of("reconcile_registry")

    assert trigger["type"] == "timerTrigger"
    second, minute, hour, *rest = str(trigger["schedule"]).split()
    assert all(field.isdigit() for field in (second, minute, hour))
    assert rest == ["*", "*", "*"]


def test_arm_is_asked_about_what_waits_every_minute() -> None:
    second, *rest = str(trigger_of("ask_about_pending")["schedule"]).split()
    assert second.isdigit()
    assert rest == ["*"] * 5


def test_the_host_limits_every_function_and_never_samples_exceptions_away() -> None:
    host = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))

    assert host["extensionBundle"]["version"] == "[4.0.0, 5.0.0)"
    assert host["functionTimeout"]
    sampling = host["logging"]["applicationInsights"]["samplingSettings"]
    assert sampling["isEnabled"]
    assert "Exception" in sampling["excludedTypes"]


async def test_a_timer_without_settings_names_every_one_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    required = {"AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AzureWebJobsStorage", "DATA_COLLECTION_ENDPOINT"}
    for name in required:
        monkeypatch.delenv(name, raising=False)
    for name in ("collect_policy_states", "ask_about_pending", "reconcile_registry"):
        with pytest.raises(SettingsError) as caught:
            await functions()[name].get_user_function()(Tick())
        assert required <= {problem.partition(":")[0] for problem in caught.value.problems}


@pytest.mark.parametrize("role", ["front", "worker", "api"])
def test_the_sandbox_gives_a_role_what_it_needs_and_no_secret_of_another(sandbox: Sandbox, role: str) -> None:
    given = sandbox.environment_of(role)
    secrets = {
        "front": {"NOTIFICATION_SIGNATURE", "NOTIFICATIONS"},
        "worker": {"AZURE_CLIENT_SECRET", "OFFERS"},
        "api": {"API_CLIENT_ID", "LOG_ANALYTICS_WORKSPACE_ID"},
    }
    others = {name for other, names in secrets.items() if other != role for name in names}
    assert given["APP_ROLE"] == role
    assert secrets[role] <= given.keys()
    assert others.isdisjoint(given)
