"""The Functions app as the platform meets it: indexed without a setting, and clear about settings when it runs."""

import functools
import json
import subprocess
import sys
from pathlib import Path

import azure.functions as func
import pytest

import function_app
from publisher.settings import SettingsError

ROOT = Path(__file__).parents[1]


class Tick(func.TimerRequest):
    @property
    def past_due(self) -> bool:
        return False


@functools.cache  # azure-functions hands an app's functions out once
def functions() -> dict[str, func.Function]:
    return {function.get_function_name() or "": function for function in function_app.app.get_functions()}


def trigger_of(name: str) -> dict[str, object]:
    trigger = functions()[name].get_trigger()
    assert trigger is not None
    return {
        key: str(getattr(value, "value", value)) if key == "authLevel" else value
        for key, value in trigger.get_dict_repr().items()
    }


def test_the_timer_collects_on_the_schedule_of_the_settings_and_never_on_startup() -> None:
    trigger = trigger_of("collect_policy_states")

    assert (trigger["type"], trigger["schedule"]) == ("timerTrigger", "%COLLECTION_SCHEDULE%")
    assert (trigger["runOnStartup"], trigger["useMonitor"]) == (False, True)


def test_the_webhook_listens_where_azure_posts_to_and_wants_a_function_key() -> None:
    trigger = trigger_of("managed_application_notification")

    assert (trigger["type"], trigger["route"], str(trigger["authLevel"]).lower()) == (
        "httpTrigger",
        "resource",
        "function",
    )
    assert [getattr(method, "value", method) for method in trigger["methods"]] == ["POST"]  # type: ignore[attr-defined]


def test_the_registry_is_reconciled_once_a_day() -> None:
    trigger = trigger_of("reconcile_registry")

    assert trigger["type"] == "timerTrigger"
    second, minute, hour, *rest = str(trigger["schedule"]).split()
    assert all(field.isdigit() for field in (second, minute, hour))
    assert rest == ["*", "*", "*"]


def test_the_app_indexes_without_settings_and_without_loading_any_azure_sdk() -> None:
    script = (
        "import sys, function_app; functions = function_app.app.get_functions(); "
        "heavy = [name for name in sys.modules if name.startswith(('azure.identity', 'azure.data', 'azure.monitor', "
        "'azure.mgmt', 'aiohttp', 'rich'))]; print(len(functions), heavy)"
    )

    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env={}, capture_output=True, text=True, check=True)

    count, heavy = done.stdout.split(maxsplit=1)
    assert int(count) >= len(["timer", "webhook", "reconciliation"])
    assert heavy.strip() == "[]"


def test_the_host_limits_every_function_and_never_samples_exceptions_away() -> None:
    host = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))

    assert host["extensionBundle"]["version"] == "[4.0.0, 5.0.0)"
    assert host["functionTimeout"]
    sampling = host["logging"]["applicationInsights"]["samplingSettings"]
    assert sampling["isEnabled"]
    assert "Exception" in sampling["excludedTypes"]


async def test_a_timer_without_settings_names_every_one_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AzureWebJobsStorage", "DATA_COLLECTION_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    collect = functions()["collect_policy_states"].get_user_function()

    with pytest.raises(SettingsError) as caught:
        await collect(Tick())

    assert {"AZURE_TENANT_ID", "AzureWebJobsStorage", "DATA_COLLECTION_ENDPOINT"} <= {
        problem.partition(":")[0] for problem in caught.value.problems
    }
