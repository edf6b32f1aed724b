"""The doctor in the front's app: its settings, and whether the queue takes messages, without sending one."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.azure.identity.directory import FRONT_IDENTITY
from sandbox.azure.rights import Assignment, StorageRole
from sandbox.faults.effects import Body, Status
from sandbox.faults.operations import IdentityTokenRequest, QueueRequest
from sandbox.local_azure import Sandbox
from sandbox.roles import Role, accounts_of
from sandbox.services import Service
from tests.operations.doctor.conftest import Doctor
from tests.operations.doctor.findings import check, verdicts

QUEUE = "queue notifications"


def waiting(doctor: Doctor) -> str:
    """What the worker's doctor says of the same queue."""
    return str(check(doctor("worker"), "messages in notifications")["finding"])


def test_an_identity_that_may_send_to_this_queue_alone_is_right(doctor: Doctor) -> None:
    done = doctor("front")
    assert (done.status, check(done, QUEUE)["verdict"]) == (0, "ok")
    assert "neither read it nor send elsewhere" in check(done, QUEUE)["finding"]
    assert set(verdicts(done).values()) == {"ok"}


def test_nothing_is_sent(doctor: Doctor) -> None:
    doctor("front")
    assert waiting(doctor) == "about 0 wait to be taken"


def test_the_key_of_a_developers_machine_tells_what_waits(doctor: Doctor, sandbox: Sandbox) -> None:
    by_key = {name: value for name, value in sandbox.environment_of("front").items() if name == "NOTIFICATIONS"}
    done = doctor("front", without=["NOTIFICATIONS__queueServiceUri"], **by_key)
    assert (done.status, check(done, QUEUE)["verdict"]) == (0, "ok")
    assert "about 0 messages" in check(done, QUEUE)["finding"]


def test_an_identity_that_may_more_is_a_warning(doctor: Doctor, identity_sandbox: Sandbox) -> None:
    account = accounts_of(identity_sandbox.storage.number)[Role.WORKER].name
    role = Assignment(FRONT_IDENTITY, StorageRole.QUEUE_DATA_CONTRIBUTOR, account)
    identity_sandbox.storage.rights.assign([role])
    found = check(doctor("front"), QUEUE)
    assert found["verdict"] == "warning"
    assert "take every storage role from it" in found["next_step"]


def test_a_missing_role_is_found(doctor: Doctor, identity_sandbox: Sandbox) -> None:
    identity_sandbox.storage.rights.withdraw(FRONT_IDENTITY)
    done = doctor("front")
    assert (done.status, check(done, QUEUE)["verdict"]) == (1, "failed")
    assert "Storage Queue Data Message Sender" in check(done, QUEUE)["next_step"]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Status(404, code="QueueNotFound"), "the template makes the queue"),
        (Status(403, code="AuthorizationFailure"), "network"),
        (Status(503), "status page"),
        (Body(b"<html>", status=201), "NOTIFICATIONS__queueServiceUri"),
    ],
)
def test_every_refusal_has_its_next_step(doctor: Doctor, identity_sandbox: Sandbox, fault: Any, words: str) -> None:
    identity_sandbox.faults.add(QueueRequest("POST"), fault)
    done = doctor("front")
    assert (done.status, check(done, QUEUE)["verdict"]) == (1, "failed")
    assert words in check(done, QUEUE)["next_step"]


def test_what_no_refusal_tells_is_not_claimed(doctor: Doctor, identity_sandbox: Sandbox) -> None:
    identity_sandbox.faults.add(QueueRequest("POST"), Status(400, code="InvalidQueryParameterValue"))
    found = check(doctor("front"), QUEUE)
    assert found["verdict"] == "ok"
    assert "only a message tells" in found["finding"]


def test_a_queue_service_that_is_not_there_is_found(doctor: Doctor, identity_sandbox: Sandbox) -> None:
    with identity_sandbox.offline(Service.QUEUES):
        found = check(doctor("front"), QUEUE)
    assert found["verdict"] == "failed"
    assert "ConnectionFailed" in found["finding"]


def test_an_identity_that_is_not_here_shows_where_it_is(doctor: Doctor, identity_sandbox: Sandbox) -> None:
    identity_sandbox.faults.add(IdentityTokenRequest(), Status(400))
    found = verdicts(doctor("front"))
    assert found["token: own identity, for the queue"] == found[QUEUE] == "failed"


def test_bad_settings_are_named_and_nothing_else_is_tried(doctor: Doctor) -> None:
    done = doctor("front", without=["NOTIFICATIONS__queueServiceUri"], NOTIFICATION_SIGNATURE="short")
    assert done.status == 2
    assert {"setting NOTIFICATIONS__queueServiceUri", "setting NOTIFICATION_SIGNATURE"} == set(verdicts(done))


def test_two_signatures_are_a_rotation_to_be_finished(doctor: Doctor) -> None:
    done = doctor("front", NOTIFICATION_SIGNATURE=f"{'a' * 32},{'b' * 32}")
    assert (done.status, check(done, "webhook")["verdict"]) == (0, "warning")
    assert "a" * 32 not in done.output


@pytest.mark.parametrize("signature", ["a" * 40 + "+", "a#" * 20, "a" * 32 + "," + "b&" * 20, "ä" * 32])
def test_a_signature_that_changes_in_an_address_is_a_warning(doctor: Doctor, signature: str) -> None:
    done = doctor("front", NOTIFICATION_SIGNATURE=signature)
    found = check(done, "signature in the address")
    assert (done.status, found["verdict"]) == (0, "warning")
    assert "%2B" in found["next_step"]
    assert signature[:20] not in done.output


def test_the_address_of_the_plan_is_told_as_it_has_to_be_entered(doctor: Doctor) -> None:
    found = check(doctor("front", NOTIFICATION_SIGNATURE="a-._~1" * 6), "webhook")
    assert found["verdict"] == "ok"
    assert "neither a slash nor /resource before the ?" in found["finding"]
