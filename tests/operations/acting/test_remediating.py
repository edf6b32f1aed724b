"""``remediate --create``: tasks are created, followed to their end, and believed by a later evaluation only."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from sandbox.faults.effects import AnswerLost, Body, Edited, Effect, Status, html
from sandbox.faults.operations import (
    DeploymentList,
    EvaluationStart,
    PolicyQuery,
    RemediationList,
    RemediationRead,
    RemediationWrite,
    Upload,
)
from sandbox.services import Service
from sandbox.world.plans import Access
from sandbox.world.remediation import Task
from tests.operations.acting.conftest import SURE, WHY, Violated

SHORT = ("--wait", "0.05")


def test_what_is_repaired_is_compliant_once_a_later_evaluation_was_collected(violated: Violated) -> None:
    violated.sandbox.clear_counts()
    done = violated.create()
    assert done.status == 0, done.errors
    [task] = done.document["tasks"]
    assert (task["created"], task["state"], task["total_deployments"], task["failed_deployments"]) == (
        True,
        "Succeeded",
        2,
        0,
    )
    assert [one["status"] for one in task["deployments"]] == ["Succeeded", "Succeeded"]
    assert done.document["evaluation"]["evaluated_later"] is True
    assert done.document["verdict"]["verdict"] == "Compliant"
    assert (violated.verdict["verdict"], done.document["error"]) == ("Compliant", None)
    assert violated.events == [("RemediationStarted", "ada", "repair of incident 7")]
    assert [one.partition(" ")[0] for one in violated.acted] == ["PUT", "POST"]


def test_without_create_it_is_shown_what_would_be_done_and_nothing_is_changed(violated: Violated) -> None:
    violated.sandbox.clear_counts()
    done = violated.remediate("--json")
    assert done.status == 0, done.errors
    [step] = done.document["plan"]["steps"]
    assert (step["effect"], len(step["resources"]), step["running"]) == ("modify", 2, None)
    assert done.document["plan"]["identity"]["type"] == "SystemAssigned"
    assert done.document["plan"]["identity_roles"] == [
        "Storage Account Contributor (17d1049b-9a84-46fb-8f53-869881c3d3ab)"
    ]
    people = violated.remediate()
    assert "Nothing was changed. To create the tasks, say --create." in people.words
    assert "Microsoft.Storage/storageAccounts/storage1" in people.words
    assert (violated.acted, violated.tasks, violated.events) == ([], [], [])


def test_of_an_initiative_each_reference_that_can_be_remediated_gets_a_task(initiative: Violated) -> None:
    initiative.customer.break_resource("vault", "repairs", "vaultPurgeProtection")
    done = initiative.create()
    assert [(one.reference_id, one.state) for one in initiative.tasks] == [
        ("noPublicBlobs", "Succeeded"),
        ("storageLogs", "Succeeded"),
    ]
    assert done.document["plan"]["notes"] == ["vaultPurgeProtection has the effect audit and is left as it is"]
    assert (done.document["verdict"]["verdict"], done.document["verdict"]["open_violations"]) == ("NonCompliant", 1)
    assert done.status == 0, done.errors


def test_one_reference_can_be_remediated_alone(initiative: Violated) -> None:
    done = initiative.create("--reference", "STORAGELOGS")
    assert done.status == 0, done.errors
    assert [one.reference_id for one in initiative.tasks] == ["storageLogs"]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--create", *WHY), "say --yes, there is no terminal to ask on"),
        (("--create", "--yes"), "--reason is missing"),
        (("--create", *WHY, "--yes", "--wait", "-1"), "give a number of minutes"),
        (("--create", *WHY, "--yes", "--person", "azure"), "is not a person's name"),
    ],
)
def test_without_confirmation_reason_or_person_nothing_is_created(
    violated: Violated, options: tuple[str, ...], complaint: str
) -> None:
    violated.sandbox.clear_counts()
    done = violated.remediate(*options)
    assert (done.status, complaint in done.errors) == (2, True), done.errors
    assert (violated.acted, violated.events) == ([], [])


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


def test_when_nothing_was_repaired_no_evaluation_is_waited_for(violated: Violated) -> None:
    for resource in ("storage1", "storage2"):
        violated.customer.remediation.fails[resource] = "ScopeLocked", "It is locked."
    violated.sandbox.clear_counts()
    done = violated.create()
    assert (done.status, done.document["evaluation"]["started"]) == (1, False)
    assert "nothing was repaired" in str(done.document["evaluation"]["notes"])
    assert violated.verdict["verdict"] == "NonCompliant"
    assert len(violated.acted) == 1


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


def test_a_lost_answer_creates_no_second_task(violated: Violated) -> None:
    violated.sandbox.faults.add(RemediationWrite(), AnswerLost(), times=1)
    done = violated.create()
    assert done.status == 0, done.errors
    [task] = violated.tasks
    assert [(one["name"], one["created"]) for one in done.document["tasks"]] == [(task.name, True)]
    assert violated.events[0][0] == "RemediationStarted"


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Status(403), "AuthorizationFailed"),
        (Status(409, code="ScopeLocked"), "ScopeLocked"),
        (Status(400, code="InvalidCreateRemediationRequest", message="No such thing."), "No such thing."),
    ],
)
def test_a_refused_task_is_told_and_the_next_one_is_not_tried(initiative: Violated, fault: Effect, told: str) -> None:
    initiative.sandbox.faults.add(RemediationWrite(), fault)
    initiative.sandbox.clear_counts()
    done = initiative.create()
    assert (done.status, told in done.document["error"]) == (1, True), done.document["error"]
    assert "1 further tasks were not tried" in done.document["error"]
    assert (len(initiative.acted), initiative.tasks, initiative.events) == (1, [], [])


def test_a_task_whose_creation_nobody_confirms_is_told_as_not_known(violated: Violated) -> None:
    violated.sandbox.faults.add(RemediationWrite(), html())
    violated.sandbox.faults.add(RemediationRead(), Status(403))
    done = violated.create()
    assert done.status == 1
    assert "whether it was created is not known" in done.document["error"]
    assert violated.events[0][0] == "RemediationStarted"


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


def test_without_a_later_evaluation_nothing_is_called_repaired(violated: Violated) -> None:
    violated.customer.remediation.evaluation_takes = None
    violated.sandbox.evaluations.may_follow = violated.sandbox.evaluations.succeeds_early = True
    done = violated.create(*SHORT)
    assert done.status == 1
    assert done.document["evaluation"] | {"notes": []} == {
        "started": True,
        "scan": "Succeeded",
        "states_needed": 2,
        "states_later": 0,
        "evaluated_later": False,
        "notes": [],
    }
    assert "0 of 2 repaired resources were evaluated later" in done.document["error"]
    assert (done.document["verdict"]["verdict"], violated.verdict["verdict"]) == ("NonCompliant", "NonCompliant")


def test_when_no_evaluation_can_be_started_azures_own_is_waited_for(violated: Violated) -> None:
    violated.customer.revoke_access(Access.EVALUATE)
    violated.sandbox.faults.add(EvaluationStart(), Status(403))
    done = violated.create(*SHORT)
    assert (done.status, done.document["evaluation"]["started"]) == (1, False)
    assert "no evaluation could be started" in str(done.document["evaluation"]["notes"])


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


def test_states_that_cannot_be_read_afterwards_are_told(violated: Violated) -> None:
    violated.sandbox.faults.add(PolicyQuery(), Status(403), after=1)
    done = violated.create(*SHORT)
    assert done.status == 1
    assert "the policy states could not be read after the repair" in str(done.document["evaluation"]["notes"])
    assert done.document["collected"]["outcome"] == "AccessDenied"


def test_an_event_that_is_not_stored_is_told_and_undoes_nothing(violated: Violated) -> None:
    violated.sandbox.faults.add(Upload("Custom-ManagedApplicationEvents_CL"), Status(400), times=1)
    done = violated.create()
    assert (done.status, done.document["verdict"]["verdict"]) == (1, "Compliant")
    assert "it is done, but" in done.document["error"]


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


def test_the_json_object_is_whole_also_when_something_fails(violated: Violated) -> None:
    violated.sandbox.faults.add(RemediationWrite(), Status(403))
    document = json.loads(violated.create().output)
    assert set(document) == {
        "application_id",
        "managed_resource_group_id",
        "assignment_id",
        "plan",
        "tasks",
        "evaluation",
        "collected",
        "verdict",
        "error",
    }
