"""``remediate --create``: tasks are created, followed to their end, and believed by a later evaluation only."""

from __future__ import annotations

import io
import json
import sys
import threading
import time
from collections.abc import Callable

import pytest
from azure.data.tables import TableClient

from publisher.resource_ids import ApplicationId
from sandbox.faults.effects import AnswerLost, Effect, Status, html
from sandbox.faults.operations import (
    EvaluationStart,
    PolicyQuery,
    RemediationRead,
    RemediationWrite,
    Upload,
)
from sandbox.world.plans import Access
from tests.operations.acting.conftest import WHY, Violated

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


def test_when_nothing_was_repaired_no_evaluation_is_waited_for(violated: Violated) -> None:
    for resource in ("storage1", "storage2"):
        violated.customer.remediation.fails[resource] = "ScopeLocked", "It is locked."
    violated.sandbox.clear_counts()
    done = violated.create()
    assert (done.status, done.document["evaluation"]["started"]) == (1, False)
    assert "nothing was repaired" in str(done.document["evaluation"]["notes"])
    assert violated.verdict["verdict"] == "NonCompliant"
    assert len(violated.acted) == 1


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
        (Status(400, code="InvalidRequestContent", message="No such thing."), "No such thing."),
    ],
)
def test_a_refused_task_is_told_and_the_next_one_is_not_tried(initiative: Violated, fault: Effect, told: str) -> None:
    initiative.sandbox.faults.add(RemediationWrite(), fault)
    initiative.sandbox.clear_counts()
    done = initiative.create()
    assert (done.status, told in done.document["error"]) == (1, True), done.document["error"]
    assert "1 further tasks were not tried" in done.document["error"]
    assert (len(initiative.acted), initiative.tasks, initiative.events) == (1, [], [])


def test_a_refusal_of_one_reference_holds_up_no_other(initiative: Violated) -> None:
    refusal = Status(400, code="InvalidCreateRemediationRequest", message="No such thing.")
    initiative.sandbox.faults.add(RemediationWrite(), refusal, times=1)
    done = initiative.create()
    assert [(one.reference_id, one.state) for one in initiative.tasks] == [("storageLogs", "Succeeded")]
    refused, made = done.document["tasks"]
    assert (refused["created"], refused["state"], made["created"], made["error"]) == (False, None, True, None)
    assert (done.status, "No such thing." in done.document["error"]) == (1, True), done.document["error"]
    assert "not tried" not in done.document["error"]
    assert [event for event, *_ in initiative.events] == ["RemediationStarted"]


def test_a_task_whose_creation_nobody_confirms_is_told_as_not_known(violated: Violated) -> None:
    violated.sandbox.faults.add(RemediationWrite(), html())
    violated.sandbox.faults.add(RemediationRead(), Status(403))
    done = violated.create()
    assert done.status == 1
    assert "whether it was created is not known" in done.document["error"]
    assert violated.events[0][0] == "RemediationStarted"


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


def test_of_hundreds_of_resources_people_see_how_many_and_the_first_ones(
    violated: Violated, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = violated.customer.states.documents
    violation = next(one for one in documents if one["complianceState"] == "NonCompliant")
    parent = violation["resourceId"].rpartition("/")[0]
    documents += [violation | {"resourceId": f"{parent}/account{number:03}"} for number in range(500)]
    monkeypatch.setenv("COLUMNS", "80")
    done = violated.remediate()
    assert "Resources (452 more are in --json)" in done.output
    assert (len(done.output.splitlines()) < 150, "│ 502" in done.output) == (True, True), done.output
    [step] = violated.remediate("--json").document["plan"]["steps"]
    assert len(step["resources"]) == 502


@pytest.mark.parametrize("meanwhile", ["removed", "repaired"])
def test_what_ended_while_somebody_made_up_his_mind_is_not_remediated(
    violated: Violated,
    collect: Callable[[], None],
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    meanwhile: str,
) -> None:
    def answer() -> str:
        thread = threading.Thread(target=end)
        thread.start()
        thread.join()
        return "y\n"

    def end() -> None:
        if meanwhile == "repaired":
            time.sleep(1.1)  # policy states tell their times by the second
            violated.customer.repair()
            collect()
        else:
            keys = ApplicationId.parse(violated.customer.application_id)
            with TableClient.from_connection_string(environment["AzureWebJobsStorage"], "applications") as rows:
                rows.delete_entity(keys.partition_key, keys.row_key)

    keyboard = io.StringIO()
    monkeypatch.setattr(keyboard, "isatty", lambda: True)
    monkeypatch.setattr(keyboard, "readline", answer)
    monkeypatch.setattr(sys, "stdin", keyboard)
    monkeypatch.setenv("FORCE_COLOR", "1")
    violated.sandbox.clear_counts()
    done = violated.remediate("--create", "--reason", "repair of incident 7")
    told = {"removed": "the registry has changed meanwhile", "repaired": "no violation of no-public-blobs is open"}
    assert (done.status, told[meanwhile] in done.words) == (1, True), done.errors
    assert (violated.acted, violated.tasks) == ([], [])
