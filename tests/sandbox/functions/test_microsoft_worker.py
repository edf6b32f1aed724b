"""Microsoft's own worker library indexes the app and invokes its functions. It exists for Python 3.13 and later."""

from __future__ import annotations

import datetime as dt
import json
import sys
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from sandbox.azure.notifications import notification
from sandbox.functions.process import REPOSITORY
from tests.sandbox.functions.worker_messages import StatusResult, http_request, invocation, worker_init

if TYPE_CHECKING:
    from sandbox.local_azure import Sandbox

pytestmark = pytest.mark.skipif(
    sys.version_info < (3, 13), reason="azure-functions-runtime is only published for Python 3.13 and later"
)

URL = "https://app.example/api/resource?code=key"
TIMER = json.dumps({"IsPastDue": False, "Schedule": {}, "ScheduleStatus": None})


@pytest.fixture
async def indexed(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The worker's metadata of every function, by name. The process has no settings of the app."""
    import azure_functions_runtime as worker  # noqa: PLC0415 - not to be had for older Pythons

    monkeypatch.delitem(sys.modules, "function_app", raising=False)  # an app can be indexed once in its life
    answer = await worker.worker_init_request(worker_init(str(REPOSITORY)))
    assert answer.result.status == StatusResult.Success, answer.result.exception.message
    metadata = await worker.functions_metadata_request(None)
    return {function.name: function for function in metadata.function_metadata_results}


async def invoke(function: Any, argument: str, **data: Any) -> Any:
    import azure_functions_runtime as worker  # noqa: PLC0415 - not to be had for older Pythons

    return await worker.invocation_request(invocation(function.function_id, argument, **data))


async def test_the_worker_indexes_the_app_without_settings(indexed: dict[str, Any]) -> None:
    bindings = {name: [json.loads(text) for text in function.raw_bindings] for name, function in indexed.items()}
    assert {"collect_policy_states", "managed_application_notification", "reconcile_registry"} <= set(bindings)
    [timer] = bindings["collect_policy_states"]
    assert timer["schedule"] == "%COLLECTION_SCHEDULE%"
    assert (timer["runOnStartup"], timer["useMonitor"]) == (False, True)
    webhook = bindings["managed_application_notification"][0]
    assert (webhook["route"], webhook["methods"], webhook["authLevel"]) == ("{*path}", ["POST"], "FUNCTION")


async def test_the_worker_takes_a_notification_collects_and_reconciles(
    indexed: dict[str, Any], sandbox: Sandbox, environment: Any
) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    body = orjson.dumps(notification(customer, "PUT", "Succeeded", event_time=dt.datetime.now(dt.UTC)))
    request = http_request("POST", URL, body, code="key", sig=sandbox.notification_signature)
    answer = await invoke(indexed["managed_application_notification"], "req", http=request)
    assert answer.return_value.http.status_code == "200"
    for name in ("collect_policy_states", "reconcile_registry"):
        answer = await invoke(indexed[name], "timer", json=TIMER)
        assert answer.result.status == StatusResult.Success, answer.result.exception.message
    [run] = sandbox.workspace.query("PolicyCollectionRuns_CL")
    assert (run["Trigger"], run["Applications"], run["States"]) == ("timer", 1, len(customer.owned_states()))


async def test_the_workers_answer_to_strangers_is_the_webhooks(
    indexed: dict[str, Any], sandbox: Sandbox, environment: Any
) -> None:
    answers = {
        signature: await invoke(
            indexed["managed_application_notification"],
            "req",
            http=http_request("POST", URL, b"hello", code="key", sig=signature),
        )
        for signature in ("wrong", sandbox.notification_signature)
    }
    assert all(answer.result.status == StatusResult.Success for answer in answers.values())
    assert [answer.return_value.http.status_code for answer in answers.values()] == ["401", "400"]


async def test_a_missing_setting_fails_the_invocation_and_is_named(
    indexed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AZURE_TENANT_ID", raising=False)
    answer = await invoke(indexed["collect_policy_states"], "timer", json=TIMER)
    assert answer.result.status == StatusResult.Failure
    assert "SettingsError" in answer.result.exception.message
    assert "AZURE_TENANT_ID:" in answer.result.exception.message
