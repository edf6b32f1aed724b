"""Remediation tasks are followed to their end; what Azure calls done is looked at closely."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from sandbox.faults.effects import Body, Edited, Effect, Status, html
from sandbox.faults.operations import (
    DeploymentList,
    RemediationList,
    RemediationRead,
    RemediationWrite,
)
from sandbox.services import Service
from sandbox.world.remediation import Task
from tests.operations.acting.conftest import SURE, Violated

SHORT = ("--wait", "0.05")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("RequestDisallowedByPolicy", "Resource 'storage2' was disallowed by policy."),
        ("AuthorizationFailed", "The policy assignment's resource identity does not have the necessary permissions."),
        ("DenyAssignmentAuthorizationFailed", "The access is denied because of the deny assignment."),
        ("ScopeLocked", "The scope cannot perform write operation because following scope(s) are locked."),
        ("InvalidTemplateDeployment", "The template deployment failed\u202e with \x1b[31m errors."),
    ],
)
def test_a_deployment_that_fails_is_told_with_its_innermost_error(violated: Violated, code: str, message: str) -> None:
    violated.customer.remediation.fails["storage2"] = code, message
    done = violated.create()
    assert done.status == 1
    [task] = done.document["tasks"]
    assert (task["state"], task["error"]) == ("Failed", "1 deployments failed")
    [failed] = [one for one in task["deployments"] if one["error_code"]]
    assert failed["error_code"] == code
    assert failed["error_message"].isprintable()
    assert done.document["verdict"] == {
        "assignment_id": violated.assignment.id.lower(),
        "name": "no-public-blobs",
        "verdict": "NonCompliant",
        "open_violations": 1,
        "held": None,
    }
    assert "1 violations are still open" in done.document["error"]


def test_a_task_that_is_under_way_is_followed_and_no_other_one_is_created(violated: Violated) -> None:
    assert violated.create("--wait", "0").status == 0
    [task] = violated.tasks
    violated.sandbox.clear_counts()
    done = violated.create()
    assert done.status == 0, done.errors
    [told] = done.document["tasks"]
    assert (told["name"], told["created"], told["state"]) == (task.name, False, "Succeeded")
    assert "is under way already" in told["notes"][0]
    assert [one.partition(" ")[0] for one in violated.acted] == ["POST"]


def test_a_task_that_somebody_created_meanwhile_is_followed(violated: Violated) -> None:
    other = Task("portal", violated.assignment.id, "", "ExistingNonCompliant", violated.sandbox.clock())
    violated.customer.remediation.tasks["portal"] = other
    violated.sandbox.faults.add(RemediationList(), Edited(lambda page: page.update(value=[])), times=1)
    done = violated.create()
    assert done.status == 0, done.errors
    assert ([one["name"] for one in done.document["tasks"]], len(violated.tasks)) == (["portal"], 1)


@pytest.mark.parametrize(
    "fault",
    [
        Status(429, retry_after=0),
        Status(503),
        Status(502, retry_after="Thu, 01 Jan 2026 00:00:00 GMT"),
        html(),
        html(404),
        Body(b"", status=200),
        Body(b'\xef\xbb\xbf{"properties": {"provisioningState": "Evaluating", "createdOn": "yesterday"}}'),
        Status(404),
    ],
)
def test_a_task_that_cannot_be_read_for_a_while_is_asked_for_again(violated: Violated, fault: Effect) -> None:
    violated.sandbox.faults.add(RemediationRead(), fault, times=2)
    done = violated.create()
    assert done.status == 0, done.errors
    assert done.document["tasks"][0]["state"] == "Succeeded"


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Status(403), "cannot be followed: AuthorizationFailed"),
        (Status(404), "somebody deleted the task meanwhile"),
        (Status(404, code="RemediationNotFound"), "somebody deleted the task meanwhile"),
    ],
)
def test_a_task_that_cannot_be_followed_is_told_and_never_called_done(
    violated: Violated, fault: Effect, told: str
) -> None:
    violated.sandbox.faults.add(RemediationRead(), fault)
    done = violated.create(*SHORT)
    assert (done.status, told in done.document["tasks"][0]["error"]) == (1, True), done.document
    assert violated.events[0][0] == "RemediationStarted"
    assert violated.verdict["verdict"] == "NonCompliant"


def test_a_canceled_task_is_told(violated: Violated) -> None:
    def cancel(document: dict[str, Any]) -> None:
        document["properties"] |= {"provisioningState": "Canceled", "deploymentStatus": {"totalDeployments": 2}}

    violated.sandbox.faults.add(RemediationRead(), Edited(cancel))
    done = violated.create(*SHORT)
    assert (done.status, done.document["tasks"][0]["error"]) == (1, "the task is Canceled")


def test_a_task_that_azure_calls_succeeded_with_failed_deployments_has_not_succeeded(violated: Violated) -> None:
    violated.customer.remediation.fails["storage2"] = "ScopeLocked", "It is locked."

    def claim(document: dict[str, Any]) -> None:
        if document["properties"]["provisioningState"] == "Failed":
            document["properties"]["provisioningState"] = "Succeeded"

    violated.sandbox.faults.add(RemediationRead(), Edited(claim))
    done = violated.create()
    assert (done.status, done.document["tasks"][0]["error"]) == (1, "1 deployments failed")


def test_a_task_that_found_nothing_is_no_success(violated: Violated) -> None:
    def claim(document: dict[str, Any]) -> None:
        counts = {"totalDeployments": 0, "successfulDeployments": 0, "failedDeployments": 0}
        document["properties"] |= {"provisioningState": "Succeeded", "deploymentStatus": counts}

    violated.sandbox.faults.add(RemediationRead(), Edited(claim))
    done = violated.create(*SHORT)
    assert (done.status, done.document["tasks"][0]["error"]) == (1, "the task found no resource to remediate")


def test_other_letter_case_and_missing_members_are_read(violated: Violated) -> None:
    def respelled(document: dict[str, Any]) -> None:
        properties = document.pop("properties")
        document.pop("name", None)
        document["Properties"] = {name[0].upper() + name[1:]: value for name, value in properties.items()}

    def pages(document: dict[str, Any]) -> None:
        values = document.pop("value")
        document["Value"] = [{name.upper(): value for name, value in one.items()} for one in values]
        document["NextLink"] = document.pop("nextLink")

    violated.sandbox.faults.add(RemediationRead(), Edited(respelled))
    violated.sandbox.faults.add(DeploymentList(), Edited(pages))
    done = violated.create()
    assert done.status == 0, done.errors
    assert len(done.document["tasks"][0]["deployments"]) == 2


@pytest.mark.parametrize("by_post", [False, True])
def test_every_page_of_deployments_is_read(violated: Violated, by_post: bool) -> None:
    violated.sandbox.remediations.page_size = 1
    violated.sandbox.remediations.next_page_by_post = by_post
    done = violated.create()
    assert done.status == 0, done.errors
    assert len(done.document["tasks"][0]["deployments"]) == 2


def test_a_next_page_at_another_host_is_not_asked_for(violated: Violated) -> None:
    elsewhere = f"{violated.sandbox.url(Service.LOGS_INGESTION)}/steal"
    violated.sandbox.faults.add(DeploymentList(), Edited(lambda page: page.update(nextLink=elsewhere)))
    done = violated.create()
    assert done.document["tasks"][0]["deployments"] is None
    assert "leads to another port" in str(done.document["tasks"][0]["notes"])
    assert not violated.sandbox.requests.of(Service.LOGS_INGESTION, path_part="steal")


def test_with_no_time_to_wait_the_task_is_created_and_how_to_end_it_is_told(violated: Violated) -> None:
    done = violated.remediate("--create", *SURE, "--wait", "0")
    assert done.status == 0, done.errors
    [task] = violated.tasks
    assert f"az policy remediation cancel --name {task.name} --resource-group mrg-contoso-analytics" in done.words
    assert task.state == "Accepted"


def test_of_a_task_that_was_refused_it_is_not_said_how_to_end_it(violated: Violated) -> None:
    violated.sandbox.faults.add(RemediationWrite(), Status(403))
    done = violated.remediate("--create", *SURE, "--wait", "0")
    assert (done.status, "not created: AuthorizationFailed" in done.errors) == (1, True), done.errors
    assert "To end it" not in done.words


@pytest.mark.usefixtures("signals_of_a_terminal")
def test_an_interrupted_command_says_that_the_task_goes_on(violated: Violated) -> None:
    violated.customer.remediation.evaluation_takes = None
    violated.sandbox.faults.add(
        RemediationRead(), Edited(lambda one: one["properties"].update(provisioningState="Evaluating"))
    )
    command = [sys.executable, "-m", "operations", "remediate", violated.customer.application_id]
    command += ["--assignment", violated.assignment.name, "--create", *SURE, "--person", "ada"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, env={**os.environ}, text=True) as running:
        give_up = time.monotonic() + 60
        while not violated.tasks and time.monotonic() < give_up:
            time.sleep(0.1)
        time.sleep(1)
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=60)
    assert running.returncode == 130
    [task] = violated.tasks
    words = " ".join(errors.split())
    assert f"Task {task.name} goes on. To end it: az policy remediation cancel --name {task.name}" in words
    assert violated.events[0][0] == "RemediationStarted"
