"""The contender "front" and its floor: a warm front that answers signed notifications, next to bare messages.

``python -m bench.warm_front`` starts the sandbox's queue, which is reached over TLS with a managed identity, and a
process of its own that has the front's settings. That one answers through the function that the platform calls; each
answer is followed by one `send_message` of the SDK's client alone, so that whatever else the machine does meets both.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
import uuid
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import azure.functions as func

from bench.contenders import ROOT, FrontTimes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

ANSWERS: Final = 100
_WARMING: Final = 10
_ANSWERING: Final = "--answering"


def main() -> None:
    """Print the times as JSON."""
    if _ANSWERING in sys.argv:
        print(json.dumps(asdict(asyncio.run(_measured()))))
        return
    from sandbox.local_azure import Sandbox  # noqa: PLC0415 - the process that answers has nothing of it

    with Sandbox(identity_storage=True, count_rows_only=True) as sandbox:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "SYSTEMROOT") if name in os.environ}
        command = [sys.executable, "-m", "bench.warm_front", _ANSWERING]
        environment = {**kept, **sandbox.environment_of("front")}
        done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        print(done.stdout, end="")


async def _measured() -> FrontTimes:
    from azure.identity.aio import ManagedIdentityCredential  # noqa: PLC0415 - not for who starts the sandbox
    from azure.storage.queue.aio import QueueClient  # noqa: PLC0415

    from function_app import app  # noqa: PLC0415 - it reads the role
    from notification_endpoint.outbox import OUTBOX  # noqa: PLC0415
    from publisher.notifications import NOTIFICATIONS_QUEUE  # noqa: PLC0415
    from publisher.settings import NotificationSettings  # noqa: PLC0415

    (webhook,) = app.get_functions()
    credential = ManagedIdentityCredential(client_id=os.environ["MANAGED_IDENTITY_CLIENT_ID"])
    service = NotificationSettings.from_environment(os.environ).queue.queue_service_uri or ""
    queue = QueueClient(service, NOTIFICATIONS_QUEUE, credential=credential)
    text = _body().decode()

    async def answer() -> None:
        request = func.HttpRequest(
            "POST", "/api/resource", params={"sig": os.environ["NOTIFICATION_SIGNATURE"]}, body=_body()
        )
        response = await webhook.get_user_function()(request)
        if response.status_code != 200:  # noqa: PLR2004
            raise SystemExit(f"answered {response.status_code}: {response.get_body()!r}")

    async def send() -> None:
        await queue.send_message(text, time_to_live=-1)

    answers, bare = list[float](), list[float]()
    async with credential, queue:
        for number in range(_WARMING + ANSWERS):
            seconds = await _seconds(answer), await _seconds(send)
            if number >= _WARMING:
                answers.append(seconds[0])
                bare.append(seconds[1])
    await OUTBOX.close()
    return FrontTimes(answers, bare)


async def _seconds(call: Callable[[], Awaitable[None]]) -> float:
    started = time.perf_counter()
    await call()
    return time.perf_counter() - started


def _body() -> bytes:
    """Return a notification, as Azure sends it, about an application that nobody told of before."""
    group = f"/subscriptions/{uuid.uuid4()}/resourceGroups/rg-customer"
    payload: dict[str, Any] = {
        "eventType": "PUT",
        "applicationId": f"{group}/providers/Microsoft.Solutions/applications/secure-analytics",
        "eventTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z"),
        "provisioningState": "Succeeded",
        "billingDetails": {"resourceUsageId": str(uuid.uuid4())},
        "plan": {"publisher": "contoso", "product": "secure-analytics", "name": "standard", "version": "1.0.0"},
    }
    return json.dumps(payload, indent=2).encode()


if __name__ == "__main__":
    main()
