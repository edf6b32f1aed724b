"""Ctrl-C at each stage, and answers that are lost: whoever acted is told of, and what Azure goes on with is said."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from aiohttp import web

from sandbox.faults.effects import AnswerLost, Call, Effect, Slow, Status
from sandbox.faults.operations import EvaluationStart, PolicyQuery, RemediationRead, RemediationWrite
from sandbox.services import Service
from tests.operations.acting.conftest import SURE, WHY, Violated

pytestmark = pytest.mark.usefixtures("signals_of_a_terminal")

SHORT = ("--wait", "0.05")


def carried_out(status: int) -> Effect:
    """What was asked is done, and a gateway that did not wait for it, or a broken service, answers."""

    async def fail(call: Call) -> web.StreamResponse:
        await call.answer()
        return await Status(status, code="GatewayTimeout")(call)

    return fail


async def late(call: Call) -> web.StreamResponse:
    """What was asked is done, and the answer takes its time."""
    answer = await call.answer()
    return await Slow(30)(Call(call.operation, call.request, lambda: _same(answer)))


async def _same(answer: web.Response) -> web.Response:
    return answer


def interrupted(violated: Violated, *arguments: str, until: Callable[[], object]) -> tuple[int, str, str]:
    """Run a command, and press Ctrl-C once it has come so far; return its exit status, output and errors."""
    command = [sys.executable, "-m", "operations", *arguments, "--person", "ada", "--json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ}, text=True
    ) as running:
        wait_for(until)
        time.sleep(0.5)
        running.send_signal(signal.SIGINT)
        output, errors = running.communicate(timeout=60)
    return running.returncode, output, " ".join(errors.split())


def wait_for(condition: Callable[[], object]) -> None:
    give_up = time.monotonic() + 60
    while not condition() and time.monotonic() < give_up:
        time.sleep(0.1)


@pytest.mark.parametrize("status", [408, 500, 503, 504])
def test_a_task_that_was_created_although_azure_answered_with_an_error_is_found(
    violated: Violated, status: int
) -> None:
    violated.sandbox.faults.add(RemediationWrite(), carried_out(status))
    done = violated.create()
    assert done.status == 0, done.errors
    [task] = violated.tasks
    assert [(one["name"], one["created"]) for one in done.document["tasks"]] == [(task.name, True)]
    assert violated.events == [("RemediationStarted", "ada", "repair of incident 7")]


def test_a_task_whose_answer_was_lost_before_azure_asked_us_to_wait_is_found(violated: Violated) -> None:
    violated.sandbox.faults.add(RemediationWrite(), AnswerLost(), times=1)
    violated.sandbox.faults.add(RemediationWrite(), Status(429, retry_after=3600))
    done = violated.create()
    assert (done.status, len(violated.tasks), len(violated.events)) == (0, 1, 1), done.errors


def test_a_task_that_azure_does_not_show_at_once_is_looked_for_again(violated: Violated) -> None:
    violated.sandbox.faults.add(RemediationWrite(), carried_out(504))
    violated.sandbox.faults.add(RemediationRead(), Status(404, code="RemediationNotFound"), times=1)
    done = violated.create()
    assert (done.status, len(violated.tasks), len(violated.events)) == (0, 1, 1), done.errors


def test_a_task_that_was_not_created_is_told_as_such_and_nobody_is_said_to_have_acted(violated: Violated) -> None:
    violated.sandbox.faults.add(RemediationWrite(), Status(503))
    done = violated.create(*SHORT)
    assert (done.status, done.document["tasks"][0]["error"].partition(":")[0]) == (1, "not created")
    assert (violated.tasks, violated.events) == ([], [])


@pytest.mark.parametrize("status", [500, 504])
def test_an_evaluation_that_may_have_been_started_is_told_as_not_known(violated: Violated, status: int) -> None:
    violated.sandbox.faults.add(EvaluationStart(), carried_out(status))
    done = violated.scan(*SHORT)
    assert done.status == 1
    assert "whether it was started is not known" in done.document["applications"][0]["error"]
    assert violated.events == [("ScanStarted", "ada", "")]


def test_a_command_interrupted_while_it_creates_a_task_says_that_it_may_exist(violated: Violated) -> None:
    violated.sandbox.faults.add(RemediationWrite(), late)
    named = (violated.customer.application_id, "--assignment", violated.assignment.name)
    status, output, errors = interrupted(violated, "remediate", *named, "--create", *SURE, until=lambda: violated.tasks)
    [task] = violated.tasks
    assert status == 130, errors
    assert f"Task {task.name} may have been created. To end it: az policy remediation cancel" in errors
    assert json.loads(output)["tasks"][0]["error"].startswith("whether it was created is not known")
    assert violated.events == [("RemediationStarted", "ada", "repair of incident 7")]


def test_a_command_interrupted_while_it_follows_tells_its_tasks_as_one_json_object(violated: Violated) -> None:
    violated.sandbox.faults.add(RemediationRead(), Slow(30))
    named = (violated.customer.application_id, "--assignment", violated.assignment.name)
    status, output, _ = interrupted(violated, "remediate", *named, "--create", *SURE, until=lambda: violated.tasks)
    document, [task] = json.loads(output), violated.tasks
    assert (status, document["error"].partition(";")[0]) == (130, "interrupted")
    assert [(one["name"], one["created"]) for one in document["tasks"]] == [(task.name, True)]


def test_a_command_interrupted_while_it_starts_evaluations_tells_who_started_them(violated: Violated) -> None:
    violated.sandbox.faults.add(EvaluationStart(), late)
    status, output, errors = interrupted(
        violated,
        "scan",
        violated.customer.application_id,
        "--yes",
        until=lambda: violated.customer.remediation.evaluation,
    )
    assert (status, "Azure goes on evaluating" in errors) == (130, True), errors
    assert json.loads(output)["applications"][0]["error"].startswith("whether it was started is not known")
    assert violated.events == [("ScanStarted", "ada", "")]


def test_a_command_interrupted_before_it_acted_has_changed_nothing(violated: Violated) -> None:
    violated.sandbox.faults.add(PolicyQuery(), Slow(30))
    violated.sandbox.clear_counts()
    named = (violated.customer.application_id, "--assignment", violated.assignment.name)
    status, output, _ = interrupted(
        violated,
        "remediate",
        *named,
        "--create",
        *SURE,
        until=lambda: violated.sandbox.requests.of(Service.RESOURCE_MANAGER, path_part="queryResults"),
    )
    assert (status, json.loads(output)) == (130, {"error": "interrupted"})
    assert (violated.tasks, violated.events) == ([], [])


def test_ctrl_c_at_the_question_ends_the_command_at_once(violated: Violated) -> None:
    controller, terminal = pty.openpty()
    command = [sys.executable, "-m", "operations", "remediate", violated.customer.application_id]
    command += ["--assignment", violated.assignment.name, "--create", *WHY, "--person", "ada"]
    with subprocess.Popen(
        command, stdin=terminal, stdout=terminal, stderr=terminal, env={**os.environ, "TERM": "xterm"}
    ) as running:
        os.close(terminal)
        seen = b""
        while b"[y/N]" not in seen:
            seen += os.read(controller, 65536)
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=60) == 130
    os.close(controller)
    assert (violated.tasks, violated.events) == ([], [])
