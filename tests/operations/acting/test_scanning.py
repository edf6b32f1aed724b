"""``scan``: Azure evaluates on demand; only a later time in its states is an evaluation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from azure.data.tables import TableClient

from publisher.resource_ids import ApplicationId
from sandbox.faults.effects import Body, Effect, Status, html
from sandbox.faults.operations import EvaluationRead, EvaluationStart, PolicyQuery, TableRequest
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from sandbox.world.customers import Customer
from sandbox.world.plans import Access
from sandbox.world.policies import NO_PUBLIC_BLOBS_ASSIGNMENT
from tests.operations.acting.conftest import Collect, Violated
from tests.operations.command_line import Cli
from verdicts.ledger import LEDGER_TABLE

SHORT = ("--wait", "0.05")


def test_an_application_is_evaluated_later_and_collected(violated: Violated) -> None:
    violated.sandbox.clear_counts()
    done = violated.scan()
    assert done.status == 0, done.errors
    [told] = done.document["applications"]
    assert (told["started"], told["evaluated_later"], told["states_later"]) == (True, True, 2)
    assert told["collected"] == {"outcome": "Succeeded", "error": None}
    assert {one["name"]: one["verdict"] for one in told["verdicts"]}["no-public-blobs"] == "NonCompliant"
    assert violated.events == [("ScanStarted", "ada", "")]
    assert [one.rpartition("/")[2] for one in violated.acted] == ["triggerEvaluation"]


def test_a_violation_that_was_repaired_is_closed_by_it(violated: Violated) -> None:
    for state in violated.customer.states.documents:
        if state["complianceState"] == "NonCompliant":
            state["complianceState"] = (
                "Compliant"  # as it will be found; the time of the evaluation is still the old one
            )
    assert violated.scan().status == 0
    assert violated.verdict["verdict"] == "Compliant"


def test_that_azure_calls_it_done_is_told_and_not_believed(violated: Violated) -> None:
    violated.customer.remediation.evaluation_takes = None
    violated.sandbox.evaluations.may_follow = violated.sandbox.evaluations.succeeds_early = True
    done = violated.scan(*SHORT)
    assert done.status == 1
    [told] = done.document["applications"]
    assert (told["scan"], told["evaluated_later"], told["states_later"]) == ("Succeeded", False, 0)
    assert told["error"] == "0 of 2 states were evaluated later"
    assert told["collected"]["outcome"] == "Succeeded"


def test_an_operation_that_may_not_be_read_is_told_and_no_error(violated: Violated) -> None:
    done = violated.scan()
    [told] = done.document["applications"]
    assert (done.status, told["scan"]) == (0, None)
    assert told["notes"] == [
        "the evaluation is started and cannot be followed: AuthorizationFailed, our rights end here"
    ]


def test_an_operation_that_may_be_read_is_followed(violated: Violated) -> None:
    violated.sandbox.evaluations.may_follow, violated.sandbox.evaluations.retry_after = True, 0
    done = violated.scan()
    [told] = done.document["applications"]
    assert (done.status, told["notes"]) == (0, [])
    assert told["scan"] in {"Running", "Succeeded"}


@pytest.mark.parametrize(
    "fault", [Status(429, retry_after=0), Status(500), html(), html(404), Body(b'{"status":"Running"}', status=202)]
)
def test_an_operation_that_cannot_be_read_for_a_while_is_asked_for_again(violated: Violated, fault: Effect) -> None:
    violated.sandbox.evaluations.may_follow, violated.sandbox.evaluations.retry_after = True, 0
    violated.sandbox.faults.add(EvaluationRead(), fault, times=1)
    assert violated.scan().status == 0


def test_an_evaluation_that_failed_is_not_waited_for(violated: Violated) -> None:
    violated.customer.remediation.evaluation_takes = None
    failed = b'{"status":"Failed","error":{"code":"EvaluationFailed","message":"Try again."}}'
    violated.sandbox.faults.add(EvaluationRead(), Body(failed))
    done = violated.scan()
    [told] = done.document["applications"]
    assert (done.status, told["scan"]) == (1, "Failed")
    assert told["notes"] == ["Azure says that the evaluation failed: EvaluationFailed: Try again."]


def test_a_link_to_another_host_is_not_followed(violated: Violated) -> None:
    async def elsewhere(call: object) -> object:
        from aiohttp import web  # noqa: PLC0415

        link = f"{violated.sandbox.url(Service.LOGS_INGESTION)}/steal"
        await call.answer()  # type: ignore[attr-defined]
        return web.Response(status=202, headers={"Location": link})

    violated.sandbox.faults.add(EvaluationStart(), elsewhere)  # type: ignore[arg-type]
    done = violated.scan()
    assert done.status == 0, done.errors
    assert "ForeignHost" in done.document["applications"][0]["notes"][0]
    assert not violated.sandbox.requests.of(Service.LOGS_INGESTION, path_part="steal")


def test_without_a_link_the_times_of_the_states_tell(violated: Violated) -> None:
    async def unlinked(call: object) -> object:
        response = await call.answer()  # type: ignore[attr-defined]
        del response.headers["Location"]
        return response

    violated.sandbox.faults.add(EvaluationStart(), unlinked)  # type: ignore[arg-type]
    done = violated.scan()
    assert (done.status, "no link" in done.document["applications"][0]["notes"][0]) == (0, True)


def test_an_evaluation_that_is_refused_is_told_and_nothing_is_waited_for(violated: Violated) -> None:
    violated.customer.revoke_access(Access.EVALUATE)
    done = violated.scan()
    [told] = done.document["applications"]
    assert (done.status, told["started"], told["collected"]) == (1, False, None)
    assert told["error"].startswith("not started: AuthorizationFailed")
    assert violated.events == []


def test_states_that_cannot_be_read_let_nothing_be_started(violated: Violated) -> None:
    violated.sandbox.faults.add(PolicyQuery(), Status(403))
    violated.sandbox.clear_counts()
    done = violated.scan()
    assert (done.status, violated.acted) == (1, [])
    assert "its policy states cannot be read" in done.document["applications"][0]["error"]


def test_states_that_cannot_be_read_any_more_end_the_waiting(violated: Violated) -> None:
    violated.sandbox.faults.add(PolicyQuery(), Status(403), after=1)
    done = violated.scan()
    [told] = done.document["applications"]
    assert (done.status, told["evaluated_later"], told["collected"]["outcome"]) == (1, False, "AccessDenied")


def test_with_no_time_to_wait_it_is_started_and_nothing_is_collected(violated: Violated) -> None:
    done = violated.scan("--wait", "0")
    [told] = done.document["applications"]
    assert (done.status, told["started"], told["collected"]) == (0, True, None)


@pytest.mark.parametrize("options", [(), ("--all-open", "ID")])
def test_one_application_or_all_that_are_open(violated: Violated, options: tuple[str, ...]) -> None:
    given = [violated.customer.application_id if one == "ID" else one for one in options]
    violated.sandbox.clear_counts()
    done = violated.cli("scan", "--yes", *given)
    assert (done.status, "name an application, or --all-open" in done.errors) == (2, True)
    assert violated.acted == []


def test_without_a_terminal_or_yes_nothing_is_started(violated: Violated) -> None:
    violated.sandbox.clear_counts()
    done = violated.cli("scan", violated.customer.application_id)
    assert (done.status, "say --yes" in done.errors, violated.acted) == (2, True, [])


def test_all_that_are_open_are_evaluated_and_no_others(
    cli: Cli, sandbox: Sandbox, add: Callable[..., Violated], collect: Collect
) -> None:
    bad = {add(NO_PUBLIC_BLOBS_ASSIGNMENT, name).customer.application_id for name in ("Contoso", "Fabrikam")}
    good = sandbox.arm.add_customer("Northwind")
    assert cli("add", good.application_id).status == 0
    collect()
    done = cli("scan", "--all-open", "--yes", "--json")
    assert done.status == 0, done.errors
    assert {one["application_id"] for one in done.document["applications"]} == bad


def test_when_nothing_is_open_nothing_is_evaluated(cli: Cli, registered: Customer, collect: Collect) -> None:
    collect()
    done = cli("scan", "--all-open", "--yes")
    assert (done.status, "nothing is open about any registered application" in done.errors) == (1, True)


def test_a_ledger_that_cannot_be_read_is_an_error_and_nothing_is_started(violated: Violated) -> None:
    violated.sandbox.faults.add(TableRequest(table="verdicts"), Status(403))
    violated.sandbox.clear_counts()
    done = violated.cli("scan", "--all-open", "--yes")
    assert (done.status, violated.acted) == (1, [])


def test_a_row_of_the_ledger_that_cannot_be_read_is_told_beside_what_is_evaluated(
    violated: Violated, sandbox: Sandbox, environment: dict[str, str]
) -> None:
    other = sandbox.arm.add_customer("Fabrikam")
    assert violated.cli("add", other.application_id).status == 0
    keys = ApplicationId.parse(other.application_id)
    entity: dict[str, Any] = {"PartitionKey": keys.partition_key, "RowKey": keys.row_key, "facts": "cut"}
    with TableClient.from_connection_string(environment["AzureWebJobsStorage"], LEDGER_TABLE) as table:
        table.upsert_entity(entity, mode="replace")
    done = violated.cli("scan", "--all-open", "--yes", "--json")
    assert (done.status, len(done.document["applications"])) == (1, 1)
    assert "1 rows of registry or ledger cannot be read" in done.document["error"]


def test_an_application_without_open_findings_needs_one_later_state(cli: Cli, registered: Customer) -> None:
    done = cli("scan", registered.application_id, "--yes", "--json")
    assert done.status == 0, done.errors
    assert done.document["applications"][0]["states_needed"] == 1


def test_an_application_that_is_not_registered_is_refused(cli: Cli, customer: Customer) -> None:
    done = cli("scan", customer.application_id, "--yes", "--json")
    assert (done.status, "is not in the registry" in done.document["error"]) == (1, True)
