"""What goes wrong with Azure becomes an outcome, a failed run or both, and never an absence."""

import datetime as dt
from typing import Any

import orjson
import pytest

from collector.run import failure_of
from sandbox.faults import effects
from sandbox.faults.effects import (
    AnswerLost,
    Body,
    CutHalfWay,
    Dropped,
    Effect,
    NextLink,
    Status,
    TruncatedJson,
    WithoutValue,
)
from sandbox.faults.operations import IdentityTokenRequest, PolicyQuery, TableRequest, TokenRequest, Upload
from sandbox.services import Service
from tests.collector.conftest import (
    RESULTS_STREAM,
    RESULTS_TABLE,
    RUNS_STREAM,
    RUNS_TABLE,
    STATES_STREAM,
    Fleet,
    key_of,
    key_of_row,
)
from verdicts.outcome import Outcome

LASTING_FAULTS: list[tuple[Effect, str, str]] = [
    (Status(401), "Failed", "InvalidAuthenticationToken"),
    (Status(403), "AccessDenied", "AuthorizationFailed"),
    (Status(404), "NotFound", "ResourceGroupNotFound"),
    (Status(400), "Failed", "BadRequest"),
    (Status(408), "Failed", "RequestTimeout"),
    (Status(429), "Throttled", "ResourceRequestsThrottled"),
    (Status(429, retry_after=3), "Throttled", "ResourceRequestsThrottled"),
    (Status(429, retry_after=86_400), "Throttled", "ResourceRequestsThrottled"),
    (Status(500), "Failed", "InternalServerError"),
    (Status(502), "Failed", "BadGateway"),
    (Status(503, retry_after=1), "Failed", "ServerUnavailable"),
    (Dropped(), "Failed", "ConnectionFailed"),
    (CutHalfWay(), "Failed", "IncompleteAnswer"),
    (TruncatedJson(), "Failed", "MalformedAnswer"),
    (WithoutValue(), "Failed", "MalformedAnswer"),
    (effects.html(), "Failed", "MalformedAnswer"),
    (effects.empty(), "Failed", "MalformedAnswer"),
    (NextLink(), "Failed", "RepeatedNextLink"),
    (NextLink("https://attacker.invalid/next"), "Failed", "ForeignNextLink"),
    (Body(orjson.dumps({"value": [], "@odata.nextLink": 7})), "Failed", "MalformedAnswer"),
]


def _name(value: Any) -> str:
    return str(value).replace("/", " ")[:60] if isinstance(value, str) else repr(value)[:60]


@pytest.mark.parametrize(("fault", "outcome", "code"), LASTING_FAULTS, ids=_name)
async def test_a_lasting_fault_is_that_customers_outcome_and_nobody_elses(
    fleet: Fleet, fault: Effect, outcome: str, code: str
) -> None:
    faulty, healthy = await fleet.deploy("Faulty", "Healthy")
    fleet.sandbox.faults.add(PolicyQuery(faulty), fault)

    summary = await fleet.collect()

    result = fleet.results[faulty.application_id]
    assert (result.outcome.value, result.error_code) == (outcome, code)
    assert result.error_message
    assert fleet.outcome(healthy) == "Succeeded"
    assert len(fleet.rows(Application_id=healthy.application_id)) == len(healthy.owned_states())
    assert {row["Outcome"] for row in fleet.rows(RESULTS_TABLE)} == {outcome, "Succeeded"}
    assert (summary.succeeded, summary.failed, summary.completed) == (1, 1, True)


@pytest.mark.parametrize("fault", [fault for fault, outcome, _ in LASTING_FAULTS if outcome != "Succeeded"], ids=_name)
async def test_a_fault_on_a_later_page_never_passes_for_success(fleet: Fleet, fault: Effect) -> None:
    (customer,) = await fleet.deploy("Contoso")
    fleet.sandbox.arm.page_size = 4
    fleet.sandbox.faults.add(PolicyQuery(customer, page=2), fault)

    await fleet.collect()

    assert fleet.outcome(customer) not in {"Succeeded", "NoStates"}
    uploaded = [key_of_row(row) for row in fleet.rows()]
    assert len(uploaded) == len(set(uploaded))


@pytest.mark.parametrize(
    "fault",
    [
        Status(408),
        Status(429),
        Status(429, retry_after=2),
        Status(500),
        Status(502),
        Status(503),
        Dropped(),
        CutHalfWay(),
        TruncatedJson(),
        WithoutValue(),
        effects.html(),
        effects.html(502),
        effects.empty(),
    ],
    ids=_name,
)
@pytest.mark.parametrize("page", [1, 2])
async def test_a_passing_fault_is_repeated_and_costs_no_state(fleet: Fleet, fault: Effect, page: int) -> None:
    (customer,) = await fleet.deploy("Contoso")
    fleet.sandbox.arm.page_size = 4
    fleet.sandbox.faults.add(PolicyQuery(customer, page=page), fault, times=2)

    await fleet.collect()

    assert fleet.outcome(customer) == "Succeeded"
    assert sorted(map(key_of_row, fleet.rows())) == sorted(map(key_of, customer.owned_states()))


async def test_retry_after_is_honoured(fleet: Fleet) -> None:
    (customer,) = await fleet.deploy("Contoso")
    fleet.sandbox.faults.add(PolicyQuery(customer), Status(429, retry_after=7), times=1)

    await fleet.collect()

    assert [wait for wait in fleet.waits if 7 <= wait <= 8]


async def test_a_retry_after_beyond_the_deadline_is_not_waited_for(fleet: Fleet) -> None:
    (customer,) = await fleet.deploy("Contoso")
    fleet.sandbox.faults.add(PolicyQuery(customer), Status(429, retry_after=3600))

    await fleet.collect()

    assert fleet.waits == []
    assert fleet.outcome(customer) == "Throttled"


async def test_a_customer_who_withdraws_the_projection_is_access_denied(fleet: Fleet) -> None:
    (customer,) = await fleet.deploy("Contoso")
    customer.hide()

    summary = await fleet.collect()

    result = fleet.results[customer.application_id]
    assert (result.outcome, result.error_code) == (Outcome.ACCESS_DENIED, "InvalidAuthenticationTokenTenant")
    assert failure_of(summary) is None, "the alert tells; the run itself did its work"


async def test_what_the_deadline_leaves_unread_is_skipped_and_the_run_row_says_so(fleet: Fleet) -> None:
    slow, quick = await fleet.deploy("Slow", "Quick")
    fleet.sandbox.faults.add(PolicyQuery(slow), effects.Slow(30))

    summary = await fleet.collect(time_limit=4)

    assert (fleet.outcome(slow), fleet.outcome(quick)) == ("Skipped", "Succeeded")
    (run,) = fleet.rows(RUNS_TABLE)
    assert (run["Applications"], run["Succeeded"], run["Failed"]) == (2, 1, 1)
    assert "1 Skipped" in str(failure_of(summary))


async def test_malformed_registry_rows_become_failed_results_that_name_the_row(fleet: Fleet) -> None:
    (customer,) = await fleet.deploy("Contoso")
    await fleet.add_row(PartitionKey="somewhere", RowKey="broken", app_name="half a row")

    summary = await fleet.collect()

    (failed,) = fleet.rows(RESULTS_TABLE, Outcome="Failed")
    assert "somewhere/broken" in failed["Error_message"]
    assert fleet.outcome(customer) == "Succeeded"
    assert failure_of(summary) is not None


@pytest.mark.parametrize("fault", [Status(413), Status(400), Status(403), Status(404), Status(500)], ids=_name)
async def test_refused_states_make_their_applications_upload_failed(fleet: Fleet, fault: Effect) -> None:
    (customer,) = await fleet.deploy("Contoso")
    fleet.sandbox.faults.add(Upload(STATES_STREAM), fault)

    summary = await fleet.collect()

    assert fleet.outcome(customer) == "UploadFailed"
    assert [row["Outcome"] for row in fleet.rows(RESULTS_TABLE)] == ["UploadFailed"]
    assert summary.rejected_rows == len(customer.owned_states())
    assert fleet.rows(RUNS_TABLE)[0]["Rejected_rows"] == summary.rejected_rows
    assert failure_of(summary) is not None


@pytest.mark.parametrize("fault", [Status(403), Status(429), Status(500), Dropped()], ids=_name)
async def test_a_passing_upload_fault_costs_no_row(fleet: Fleet, fault: Effect) -> None:
    (customer,) = await fleet.deploy("Contoso")
    for stream in (STATES_STREAM, RESULTS_STREAM, RUNS_STREAM):
        fleet.sandbox.faults.add(Upload(stream), fault, times=2)

    summary = await fleet.collect()

    assert summary.completed
    assert len(fleet.rows()) == len(customer.owned_states())


async def test_an_upload_that_azure_finds_too_large_goes_in_halves(fleet: Fleet) -> None:
    (customer,) = await fleet.deploy("Contoso")
    fleet.sandbox.faults.add(Upload(STATES_STREAM), Status(413), times=1)

    summary = await fleet.collect()

    assert fleet.outcome(customer) == "Succeeded"
    assert summary.rejected_rows == 0
    assert sorted(map(key_of_row, fleet.rows())) == sorted(map(key_of, customer.owned_states()))


async def test_a_lost_answer_duplicates_rows_rather_than_losing_them(fleet: Fleet) -> None:
    (customer,) = await fleet.deploy("Contoso")
    fleet.sandbox.faults.add(Upload(STATES_STREAM), AnswerLost(), times=1)

    await fleet.collect()

    assert fleet.outcome(customer) == "Succeeded"
    assert {key_of_row(row) for row in fleet.rows()} == {key_of(state) for state in customer.owned_states()}


@pytest.mark.parametrize("stream", [RESULTS_STREAM, RUNS_STREAM])
async def test_without_its_result_rows_a_run_does_not_count_as_completed(fleet: Fleet, stream: str) -> None:
    await fleet.deploy("Contoso")
    fleet.sandbox.faults.add(Upload(stream), Status(500))

    summary = await fleet.collect()

    assert not summary.completed
    assert fleet.rows(RUNS_TABLE) == []
    assert failure_of(summary) is not None


async def test_a_registry_that_cannot_be_read_is_no_empty_registry(fleet: Fleet) -> None:
    await fleet.deploy("Contoso")
    fleet.sandbox.faults.add(TableRequest("GET"), Status(500))

    summary = await fleet.collect()

    assert summary.error is not None
    assert fleet.rows(RUNS_TABLE) == []
    assert failure_of(summary) is not None


async def test_a_registry_table_that_does_not_exist_is_an_error_that_names_it(fleet: Fleet) -> None:
    summary = await fleet.collect()

    assert "applications" in str(summary.error)
    assert not summary.completed


async def test_without_a_token_for_arm_every_application_fails_and_is_told(fleet: Fleet) -> None:
    customers = await fleet.deploy("Contoso", "Fabrikam")
    fleet.sandbox.faults.add(TokenRequest(), Status(401))

    summary = await fleet.collect()

    assert {fleet.outcome(customer) for customer in customers} == {"Failed"}
    assert all("service principal" in (result.error_message or "") for result in fleet.results.values())
    assert summary.completed, "the results themselves were uploaded with the app's own identity"
    assert fleet.sandbox.requests.count(Service.ENTRA_ID) == 1


async def test_without_a_token_for_ingestion_nothing_is_read_and_the_run_fails(fleet: Fleet) -> None:
    await fleet.deploy("Contoso")
    fleet.sandbox.faults.add(IdentityTokenRequest(), Status(400))

    summary = await fleet.collect()

    assert "managed identity" in str(failure_of(summary))
    assert fleet.sandbox.requests.count(Service.RESOURCE_MANAGER) == 0


async def test_an_unreachable_ingestion_endpoint_ends_within_the_deadline(fleet: Fleet) -> None:
    (customer,) = await fleet.deploy("Contoso")

    with fleet.sandbox.offline(Service.LOGS_INGESTION):
        summary = await fleet.collect()

    assert fleet.outcome(customer) == "UploadFailed"
    assert not summary.completed


async def test_a_server_that_cannot_prove_who_it_is_gets_no_token(fleet: Fleet) -> None:
    (customer,) = await fleet.deploy("Contoso")

    with fleet.sandbox.untrusted(Service.RESOURCE_MANAGER):
        await fleet.collect()

    assert fleet.outcome(customer) == "Failed"
    assert fleet.sandbox.requests.count(Service.RESOURCE_MANAGER) == 0


async def test_timestamps_from_a_skewed_clock_do_not_move_the_rows_out_of_the_run(fleet: Fleet) -> None:
    (customer,) = await fleet.deploy("Contoso")
    fleet.sandbox.faults.add(PolicyQuery(customer), effects.SkewedClock(dt.timedelta(days=400)))

    summary = await fleet.collect()

    assert {row["TimeGenerated"] for row in fleet.rows()} == {
        summary.run.started_at.replace(microsecond=summary.run.started_at.microsecond // 1000 * 1000)
    }
