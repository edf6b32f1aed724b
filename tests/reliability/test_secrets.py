"""Whatever is logged, printed, raised or answered, at whatever level: no secret, no token, no body is in it."""

from __future__ import annotations

import asyncio
import json
import logging
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import azure.functions as func
import pytest
from azure.storage.queue import TextBase64DecodePolicy
from azure.storage.queue.aio import QueueClient

from collector.__main__ import main as collector_main
from collector.fan_out import SHARDS_QUEUE
from collector.fan_out.dispatch import send_shards
from operations.__main__ import main as publisher_main
from sandbox.azure.identity.directory import API_CLIENT_ID
from sandbox.azure.notifications import notification
from sandbox.faults import effects
from sandbox.faults.effects import Effect, Status, TruncatedJson
from sandbox.faults.operations import (
    ApplicationRead,
    IdentityTokenRequest,
    LogQuery,
    Operation,
    PolicyQuery,
    QueueRequest,
    TableRequest,
    TokenRequest,
    Upload,
)
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.collector.conftest import Fleet
from tests.compliance_api.conftest import READER, principal
from tests.functions import Tick, functions
from tests.reliability.secrets_watch import MARKER, Watch, leaks, secrets_of, watching
from tests.worker_side import message_about

FUNCTION_KEY = "the-function-key-of-this-test"
TROUBLE: dict[str, tuple[Operation, Effect] | None] = {
    "nothing wrong": None,
    "no token for the service principal": (TokenRequest(), Status(401)),
    "no token for the managed identity": (IdentityTokenRequest(), Status(403)),
    "no access to the table": (TableRequest(), Status(403)),
    "no access to the application": (ApplicationRead(), Status(403)),
    "nonsense about the application": (ApplicationRead(), effects.html(404)),
    "no access to the states": (PolicyQuery(), Status(403)),
    "no access to the tables": (Upload(), Status(404)),
    "no access to the workspace": (LogQuery(), Status(400)),
    "no access to the queue": (QueueRequest("POST"), Status(403)),
    "half a token": (TokenRequest(), TruncatedJson()),
    "half an answer of the queue": (QueueRequest("POST"), TruncatedJson()),
    "half a token of the managed identity": (IdentityTokenRequest(), TruncatedJson()),
    "half a table": (TableRequest("GET"), TruncatedJson()),
    "half a query's answer": (LogQuery(), TruncatedJson()),
}
PASSING = {"half a token", "half an answer of the queue", "half a token of the managed identity", "half a table"}
"""Troubles that end after one attempt, so that nobody waits for the later ones."""

ABOUT_THE_WORKSPACE = {
    "nothing wrong",
    "no token for the managed identity",
    "half a token of the managed identity",
    "no access to the workspace",
    "half a query's answer",
}
MARKED = {"code": MARKER, "message": f"{MARKER}\n{MARKER}"}
HTTP_PATHS = {
    "compliance_application": {"id": "x"},
    "saved_query": {"name": "fleet_summary"},
    "operations_page_file": {"file": "x"},
}


def _can_meet(name: str, trouble: str) -> bool:
    """Tell whether a function uses what is in trouble: the API asks the workspace and nobody else."""
    trigger = functions()[name].get_trigger()
    is_api = trigger is not None and trigger.get_dict_repr()["type"] == "httpTrigger" and "notification" not in name
    return not is_api or trouble in ABOUT_THE_WORKSPACE


@dataclass
class Scene:
    """A registered customer with markers in everything that is sent about it, and ears for whatever is said."""

    sandbox: Sandbox
    customer: Customer
    watch: Watch
    capture: pytest.CaptureFixture[str]

    def trouble(self, name: str) -> None:
        if fault := TROUBLE[name]:
            self.sandbox.faults.add(*fault, times=1 if name in PASSING else None)

    def leaks(self, *more: str, besides: str = "") -> list[str]:
        """What was logged, printed and is in `more`, as far as it is secret; `besides` may be told."""
        secrets = {*secrets_of(self.sandbox), FUNCTION_KEY} - {besides}
        return leaks([*self.watch.texts, *self.capture.readouterr(), *more], secrets)


@pytest.fixture
def scene(
    sandbox: Sandbox,
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Iterator[Scene]:
    monkeypatch.setenv("WEBSITE_AUTH_ENABLED", "True")
    customer = sandbox.arm.add_customer("Contoso")
    customer.usage_id = MARKER
    customer.add_state(resourceId=f"{customer.managed_resource_group_id}/providers/a/b/{MARKER}")
    asyncio.run(Fleet(sandbox).register(customer))
    with watching() as watch:
        yield Scene(sandbox, customer, watch, capfd)


@pytest.mark.parametrize(
    ("name", "trouble"),
    [(name, trouble) for name in sorted(functions()) for trouble in TROUBLE if _can_meet(name, trouble)],
)
def test_no_function_tells_a_secret(scene: Scene, name: str, trouble: str) -> None:
    trigger = functions()[name].get_trigger()
    assert trigger is not None
    calls = _calls(name, trigger.get_dict_repr(), scene)
    scene.trouble(trouble)
    outcomes: list[str] = []
    for call in calls:
        try:
            answer = asyncio.run(functions()[name].get_user_function()(call))
            outcomes.append(answer.get_body().decode() if isinstance(answer, func.HttpResponse) else "done")
        except Exception as error:  # noqa: BLE001 - the host logs it, so it must not tell anything either
            outcomes.append("".join(traceback.format_exception(error)))
    if trouble == "nothing wrong":
        assert "Traceback" not in outcomes[0]
    assert scene.leaks(*outcomes) == []


@pytest.mark.parametrize("trouble", TROUBLE)
def test_no_command_tells_a_secret(scene: Scene, trouble: str) -> None:
    scene.trouble(trouble)
    for main, arguments in (
        (collector_main, []),
        (collector_main, ["--json"]),
        (publisher_main, ["list", "--json"]),
        (publisher_main, ["show", scene.customer.application_id]),
        (publisher_main, ["reconcile"]),
        (publisher_main, ["check"]),
        (publisher_main, ["doctor", "--json"]),
    ):
        status = main(arguments)
        assert status == 0 or trouble != "nothing wrong", arguments
    assert leaks(scene.watch.texts, [MARKER]) == []
    assert scene.leaks(besides=MARKER) == []


@pytest.mark.parametrize("sign_in", ["certificate", "protected certificate", "federation"])
def test_no_way_to_sign_in_tells_a_secret(scene: Scene, monkeypatch: pytest.MonkeyPatch, sign_in: str) -> None:
    monkeypatch.delenv("AZURE_CLIENT_SECRET")
    for name, value in scene.sandbox.environment_with(sign_in).items():
        monkeypatch.setenv(name, value)
    assert collector_main([]) == 0
    scene.sandbox.faults.add(TokenRequest(), Status(401))
    assert collector_main([]) == 1
    if "certificate" in sign_in:
        monkeypatch.setenv("AZURE_CLIENT_CERTIFICATE_PASSWORD", f"wrong-{MARKER}")
        collector_main([])
        monkeypatch.setenv("AZURE_CLIENT_CERTIFICATE", f"not-a-certificate-{MARKER}")
        assert collector_main([]) == 2
    assert scene.leaks() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AZURE_CLIENT_SECRET", f" {MARKER} "),
        ("AzureWebJobsStorage", f"DefaultEndpointsProtocol=https;AccountName=x;AccountKey={MARKER}"),
        ("AzureWebJobsStorage", MARKER),
        ("NOTIFICATIONS", f"DefaultEndpointsProtocol=https;AccountName=x;AccountKey={MARKER}"),
        ("NOTIFICATIONS", MARKER),
        ("NOTIFICATION_SIGNATURE", f"{MARKER} {MARKER}"),
        ("NOTIFICATION_SIGNATURE", f"{MARKER},{MARKER},{MARKER}"),
        ("AZURE_CLIENT_CERTIFICATE", MARKER),
    ],
)
def test_a_secret_that_is_a_wrong_setting_is_named_and_not_shown(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    collector_main([])
    publisher_main(["doctor"])
    webhook = functions()["managed_application_notification"].get_user_function()
    (call, *_) = _calls("managed_application_notification", {"type": "httpTrigger"}, scene)
    assert scene.leaks(asyncio.run(webhook(call)).get_body().decode()) == []


def test_the_watch_sees_what_it_is_meant_to_see(scene: Scene) -> None:
    """The tests above prove nothing unless a leak would be found wherever it is."""
    azure = logging.getLogger("azure.core.pipeline.policies.http_logging_policy")
    secret = scene.sandbox.directory.client_secret
    azure.debug("in an argument: %s", secret)
    azure.debug("in an extra", extra={"header": f"Bearer {_token(scene.sandbox)}"})
    error = KeyError()
    error.__cause__ = ValueError(secret)
    azure.error("in the cause of an exception", exc_info=error)
    print(scene.sandbox.notification_signature)  # noqa: T201
    assert len(scene.leaks()) >= 4


def _calls(name: str, trigger: dict[str, Any], scene: Scene) -> list[Any]:
    """What the platform calls a function with: as it should be, and as somebody else might."""
    sandbox, customer = scene.sandbox, scene.customer
    told = func.QueueMessage(id="1", body=_told(customer))
    if name == "ask_about_pending":
        asyncio.run(functions()["take_notification"].get_user_function()(told))
    if trigger["type"] == "timerTrigger":
        return [Tick()]
    if name in {"take_notification", "take_poisoned_notification"}:
        return [told, func.QueueMessage(id="2", body=f'{{"{MARKER}": "{MARKER}"}}'.encode())]
    if trigger["type"] == "queueTrigger":
        bodies = asyncio.run(_shards(sandbox))
        return [func.QueueMessage(id="1", body=body) for body in (*bodies, f'{{"{MARKER}": "{MARKER}"}}', MARKER)]
    if name == "managed_application_notification":
        payload = notification(customer, "PUT", "Succeeded", event_time=datetime.now(UTC))
        good = json.dumps(payload | {"error": MARKED})
        right = {"sig": sandbox.notification_signature, "code": FUNCTION_KEY}
        wrong = {"sig": f"wrong-{MARKER}", "code": FUNCTION_KEY}
        return [_request("POST", query, body) for query, body in ((right, good), (wrong, good), (right, MARKER))]
    query = json.dumps({"query": f"PolicyComplianceStates_CL | where Resource_id has '{MARKER}'"})
    body = query if name == "query_logs" else ""
    caller = READER if name != "query_logs" else principal("Compliance.Query")
    headers = {**caller, "Content-Type": "application/json", "Authorization": f"Bearer {_token(sandbox)}"}
    path = HTTP_PATHS.get(name, {})
    return [
        _request("POST" if body else "GET", {}, body, headers, path),
        _request("GET", {"code": FUNCTION_KEY}, MARKER),
    ]


def _request(
    method: str,
    query: dict[str, str],
    body: str,
    headers: dict[str, str] | None = None,
    path: dict[str, str] | None = None,
) -> func.HttpRequest:
    return func.HttpRequest(
        method, "https://app.example/api", headers=headers, params=query, route_params=path, body=body.encode()
    )


def _token(sandbox: Sandbox) -> str:
    return sandbox.directory.issuer.issue(sandbox.entra_id.service_principal, f"api://{API_CLIENT_ID}")


def _told(customer: Customer) -> bytes:
    now = datetime.now(UTC)
    return message_about(customer, "PUT", "Succeeded", happened=now, received_at=now, error=MARKED)


async def _shards(sandbox: Sandbox) -> list[str]:
    fleet = Fleet(sandbox)
    await send_shards(fleet.settings, trigger="timer", most=250)
    async with QueueClient.from_connection_string(
        sandbox.environment["AzureWebJobsStorage"], SHARDS_QUEUE, message_decode_policy=TextBase64DecodePolicy()
    ) as queue:
        return [message.content async for message in queue.receive_messages()]
