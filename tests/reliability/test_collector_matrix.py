"""Everything that a collection depends on, failing in every way: never a customer who looks compliant for it."""

from __future__ import annotations

import logging
import time
from collections import Counter
from datetime import timedelta

import pytest

from collector.run import failure_of
from sandbox.faults.effects import Slow
from sandbox.faults.operations import PolicyQuery
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from tests.collector.conftest import RESULTS_TABLE, RUNS_TABLE, STATES_TABLE, Fleet, key_of_row
from tests.reliability.collector_cell import TIME_LIMIT, Played, play
from tests.reliability.collector_expectations import Expectation, Verdict, cells
from tests.reliability.collector_faults import DEPENDENCIES, NewPageEveryTime
from verdicts.outcome import Outcome

pytestmark = pytest.mark.usefixtures("nothing_secret_is_logged")

CELLS = [pytest.param(*key, expectation, id=" - ".join(key)) for key, expectation in cells().items()]
OUTCOMES = {outcome.value for outcome in Outcome}
ONLY_THE_ANSWER_IS_LOST = {(name, "reset half way") for name in DEPENDENCIES if name.startswith("ingestion")}


@pytest.fixture
def azure(request: pytest.FixtureRequest) -> Sandbox:
    """The sandbox; for TLS of storage the one whose storage has TLS."""
    parameters = request.node.callspec.params
    needs_tls = (parameters["dependency"], parameters["fault"]) == ("table listing", "TLS failure")
    found: Sandbox = request.getfixturevalue("identity_sandbox" if needs_tls else "sandbox")
    return found


@pytest.mark.parametrize(("dependency", "fault", "expectation"), CELLS)
async def test_a_lasting_fault_is_told_in_full_and_hides_no_violation(
    azure: Sandbox, dependency: str, fault: str, expectation: Expectation
) -> None:
    played = await play(azure, dependency, fault)

    _assert_invariants(played, dependency, fault)
    assert _verdict(played) == expectation.lasting
    assert played.exit_status == expectation.lasting.exit_status
    alerts = played.alerts()
    assert {f"application-noncompliant {one.name}" for one in (played.affected, played.bystander)} <= alerts
    unread = {"nobody": [], "the affected one": [played.affected], "both": [played.affected, played.bystander]}
    expected = {f"application-unread {customer.name}" for customer in unread[expectation.lasting.unread]}
    expected |= {"collector-silent"} if expectation.lasting.silent else set()
    assert {alert for alert in alerts if not alert.startswith("application-noncompliant")} == expected


@pytest.mark.parametrize(
    ("dependency", "fault", "expectation"),
    [cell for cell in CELLS if cell.values[-1].passing != cell.values[-1].lasting],  # type: ignore[union-attr]
)
async def test_a_passing_fault_costs_nothing(
    azure: Sandbox, dependency: str, fault: str, expectation: Expectation
) -> None:
    played = await play(azure, dependency, fault, passing=True)

    _assert_invariants(played, dependency, fault)
    assert _verdict(played) == expectation.passing
    assert played.exit_status == expectation.passing.exit_status


@pytest.mark.parametrize("dependency", DEPENDENCIES)
async def test_silence_does_not_keep_a_run_beyond_its_time(fleet: Fleet, dependency: str) -> None:
    customers = await fleet.deploy("Contoso", "Fabrikam")
    fleet.sandbox.arm.page_size = 8
    fleet.sandbox.faults.add(DEPENDENCIES[dependency].operation(customers[0]), Slow(3600))

    started = time.monotonic()
    summary = await fleet.collect(time_limit=1.5)

    assert time.monotonic() - started < 3
    assert failure_of(summary) is not None


async def test_pages_without_end_do_not_keep_a_run_beyond_its_time(fleet: Fleet) -> None:
    endless, healthy = await fleet.deploy("Contoso", "Fabrikam")
    fleet.sandbox.faults.add(PolicyQuery(endless), NewPageEveryTime())

    started = time.monotonic()
    summary = await fleet.collect(time_limit=3)

    assert time.monotonic() - started < 8
    assert (fleet.outcome(endless), fleet.outcome(healthy)) == ("Skipped", "Succeeded")
    assert failure_of(summary) is not None


async def test_no_time_passes_for_waiting_longer_than_there_is_time(fleet: Fleet) -> None:
    await fleet.deploy("Contoso")
    fleet.sandbox.set_latency(Service.TABLES, 3600)

    started = time.monotonic()
    summary = await fleet.collect(time_limit=timedelta(seconds=1.5).total_seconds())

    assert time.monotonic() - started < 3
    assert summary.error is not None


def _verdict(played: Played) -> Verdict:
    """What came out, without the alerts, which are compared by name."""
    unread = [
        customer
        for customer in (played.affected, played.bystander)
        if played.summary.completed and played.outcome(customer) not in {"Succeeded", "NoStates"}
    ]
    return Verdict(
        played.outcome(played.affected),
        played.outcome(played.bystander),
        invocation_failed=played.failed,
        unread={0: "nobody", 1: "the affected one", 2: "both"}[len(unread)],  # type: ignore[arg-type]
        silent=not played.rows(RUNS_TABLE),
    )


def _assert_invariants(played: Played, dependency: str, fault: str) -> None:
    # The host logs what an invocation raises, with all of its causes: it must not tell a secret either.
    logging.getLogger("host").error("invocation", exc_info=failure_of(played.summary))
    logging.getLogger("host").error("its cause", exc_info=played.summary.error)
    assert played.seconds < TIME_LIMIT
    lost_answer = (dependency, fault) in ONLY_THE_ANSWER_IS_LOST
    for customer in (played.affected, played.bystander):
        outcome = played.outcome(customer)
        stored = [row["Outcome"] for row in played.rows(RESULTS_TABLE, customer)]
        uploads = Counter(key_of_row(row) for row in played.rows(STATES_TABLE, customer))
        stands = {key_of_row(row) for row in played.fleet.named_states(customer)}
        assert outcome in OUTCOMES or played.failed, "an application without a result, and nobody is told"
        assert set(stored) == {outcome} or played.failed, "a result that is not stored, and nobody is told"
        if outcome in {"Succeeded", "NoStates"}:
            assert stands == played.truth(customer), "called read, with a page missing"
        if not lost_answer:
            assert set(uploads.values()) <= {1}, "a state was uploaded twice"
            assert len(stored) <= 1
    if played.rows(RUNS_TABLE):
        accounted = {row["Application_id"] for row in played.rows(RESULTS_TABLE)}
        assert len(accounted) == played.rows(RUNS_TABLE)[0]["Applications"] == 2
