"""What 48 scripted hours count at the ingestion endpoint: void unless all arrived, linear, and as bench.costs computes."""

from __future__ import annotations

import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from bench.answers import CHANGING_ASSIGNMENT, POLICIES
from bench.contenders import WrongResultError
from bench.costs import OTHER_GIGABYTES, Fleet, month
from bench.document import RESULT
from bench.hours.endpoint import STATES, VERDICTS, IngestionEndpoint
from bench.hours.figures import APPLICATIONS, SCENARIOS, Scenario, figures, times_fewer
from bench.hours.fleet import Violation
from bench.row_sizes import measured
from collector.reporting.serialised import CHUNK_LIMIT_BYTES


def played(*scenarios: Scenario) -> list[dict[str, Any]]:
    """The figures of small fleets that lived through the script, of which each hour was counted as it is scaled."""
    with ThreadPoolExecutor(2) as threads:
        every_counted = list(threads.map(Scenario.play, scenarios))
    for scenario, counted in zip(scenarios, every_counted, strict=True):
        for counts in (one for hour in counted for one in hour.values()):
            assert counts["requests"] == -(-counts["json"] // CHUNK_LIMIT_BYTES), "as many as the bytes fill"
        computed = computed_gigabytes(scenario.changes, scenario.uploaded, scenario.compliant, scenario.states)
        assert figures(scenario, counted)["gigabytes"] == pytest.approx(computed, rel=0.04)
    return [figures(scenario, counted) for scenario, counted in zip(scenarios, every_counted, strict=True)]


def computed_gigabytes(changes: float, uploaded: str, compliant: str, states: int = 300) -> float:
    """What bench.costs says of a month of the collector's rows."""
    fleet = Fleet(
        APPLICATIONS,
        states=states,
        policies=len(POLICIES),
        summarised=compliant == "summarised",
        changes=changes / 100,
        uploads_all=uploaded == "all",
    )
    return month(fleet, measured()).gigabytes - OTHER_GIGABYTES


def test_twice_the_applications_bring_twice_the_bytes_and_as_many_as_costs_computes() -> None:
    once, twice = played(
        Scenario(20, applications=10, states=30),
        Scenario(20, applications=20, states=30),
    )

    assert twice["billed"] == pytest.approx(once["billed"], rel=0.03)
    assert twice["json"] == pytest.approx(once["json"], rel=0.03)
    assert 0.7 * once["wire"] < twice["wire"] < once["wire"], "larger requests compress better"


@pytest.mark.long
def test_where_everything_is_uploaded_it_does_not_matter_how_much_changes() -> None:
    still, changing = played(
        Scenario(0, applications=10, states=30, uploaded="all"),
        Scenario(20, applications=10, states=30, uploaded="all"),
    )

    assert changing["billed"] == pytest.approx(still["billed"], rel=0.01)
    assert changing["json"] == pytest.approx(still["json"], rel=0.01)


def test_the_figures_of_the_document_are_those_that_costs_computes() -> None:
    hours = json.loads(RESULT.read_text(encoding="utf-8"))["hours"]

    kinds = [(one["changes"], one["uploaded"], one["compliant"]) for one in hours]
    assert kinds == [(one.changes, one.uploaded, one.compliant) for one in SCENARIOS]
    for kind, one in zip(kinds, hours, strict=True):
        assert one["gigabytes"] == pytest.approx(computed_gigabytes(*kind), rel=0.03)
    assert times_fewer(hours) >= 15


@dataclass
class Arrived:
    """An application of two states, one of which has just been broken, and the rows of the run that found it."""

    states: list[dict[str, Any]]
    verdicts: list[dict[str, Any]]

    def check(self) -> None:
        endpoint = IngestionEndpoint()
        for stream, rows in ((STATES, self.states), (VERDICTS, self.verdicts)):
            endpoint.take(stream, gzip.compress(json.dumps(rows).encode()))
        endpoint.check("run", {"app": frozenset({Violation.of("a", "", "d", "r0")})}, ["app"], states=2)


def arrived() -> Arrived:
    states = [
        {
            "Application_id": "App",
            "Run_id": "run",
            "Policy_assignment_id": "a",
            "Policy_definition_reference_id": None,
            "Policy_definition_id": "d",
            "Resource_id": f"R{number}",
            "Resource_count": 1,
            "Is_compliant": number > 0,
        }
        for number in range(2)
    ]
    verdict = {
        "TimeGenerated": "2026-03-02T00:00:00.000Z",
        "Application_id": "App",
        "Policy_assignment_id": "a",
        "Policy_assignment_name": CHANGING_ASSIGNMENT,
        "Verdict": "NonCompliant",
        "Run_id": "run",
        "States_id": "run",
        "States_time": "2026-03-02T00:00:00.000Z",
        "States_rows": 2,
    }
    return Arrived(states, [verdict])


def test_what_arrived_in_whole_is_a_measurement() -> None:
    arrived().check()


@pytest.mark.parametrize(
    ("table", "changed"),
    [
        ("states", None),
        ("states", {"Is_compliant": True}),
        ("states", {"Run_id": "run before"}),
        ("verdicts", None),
        ("verdicts", {"States_id": "run before"}),
        ("verdicts", {"States_rows": 3}),
        ("verdicts", {"Run_id": "run before"}),
        ("verdicts", {"Verdict": "Compliant"}),
    ],
)
def test_a_row_that_is_lost_wrong_or_late_makes_a_measurement_void(table: str, changed: dict[str, Any] | None) -> None:
    what = arrived()
    rows = getattr(what, table)
    if changed is None:
        rows.pop()
    else:
        rows[0] |= changed
    with pytest.raises(WrongResultError):
        what.check()
