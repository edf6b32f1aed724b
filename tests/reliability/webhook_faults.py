"""What the webhook depends on, and what can go wrong there: the rows and columns of its fault matrix."""

from __future__ import annotations

from sandbox.faults.effects import AnswerLost, Body
from sandbox.faults.operations import IdentityTokenRequest, QueueRequest
from sandbox.services import Service
from tests.reliability.notification_faults import ANSWERED, WHOLE_SERVICE, WITH_A_BODY, Dependency

QUEUE = "queue"
NO_MESSAGE = Body(b"<QueueMessagesList/>", "application/xml", 201)

DEPENDENCIES = {
    one.name: one
    for one in (
        Dependency(
            "managed identity token", (IdentityTokenRequest(),), ANSWERED | WITH_A_BODY, Service.MANAGED_IDENTITY
        ),
        Dependency(
            QUEUE,
            (QueueRequest(),),
            ANSWERED
            | {
                "truncated XML": WITH_A_BODY["truncated JSON"],
                "empty body": Body(b"", "application/xml", 201),
                "no message in it": NO_MESSAGE,
                "lost answer": AnswerLost(),
            },
            Service.QUEUES,
        ),
    )
}


def faults_of(dependency: Dependency) -> list[str]:
    """Every fault that makes sense for a dependency; the managed identity's endpoint has no TLS."""
    away = [fault for fault in WHOLE_SERVICE if fault != "TLS failure" or dependency.name == QUEUE]
    return [*away, *dependency.faults]
