"""What the benchmark says: medians, required numbers, and nothing that names the machine."""

import io
import json
import platform
from typing import Any

import pytest
from rich.console import Console

from bench.contenders import FrontTimes, Measurement
from bench.hours.figures import AFTER, SCENARIOS, Scenario
from bench.report import Report, show
from bench.workloads import (
    CUSTOMER,
    DEEP,
    FLEET,
    HOURS_REQUIRED,
    LARGE_CUSTOMER,
    LARGE_PAGES,
    LEDGER,
    MILLION,
    REQUIRED,
    TENTH,
)

TOKENS = {"https://management.azure.com": 1, "https://monitor.azure.com": 1}


def hours_of(scenario: Scenario, share: float) -> dict[str, Any]:
    """What a scenario uploads: a share of everything, and less of it still where it is compressed."""
    counts = dict.fromkeys(("json", "rows", "billed"), round(share * 10**9)) | {"wire": round(share * 10**7)}
    return {
        "changes": scenario.changes,
        "uploaded": scenario.uploaded,
        "compliant": scenario.compliant,
        "requests": 100,
        **counts,
        "gigabytes": 730.0,
        "streams": {"PolicyComplianceStates_CL": counts},
    }


def a_report(**changed: float) -> Report:
    """A report in which everything is reached, but for what is changed."""
    answers = [changed.get("answer", 0.012)] * 96 + [0.3] * 4
    hours = [hours_of(one, changed.get("uploaded", 0.06) if one is AFTER else 1) for one in SCENARIOS]
    report = Report({}, {"help": [0.1, 0.2, 9.0], "import": [0.3]}, FrontTimes(answers, [0.01] * 99 + [5.0]), hours)
    measured = {
        (FLEET, "collector"): (2.0, 110.0),
        (FLEET, "collector, steady"): (1.5, 110.0),
        (FLEET, "floor"): (2.0, 250.0),
        (FLEET, "straightforward"): (20.0, 1000.0),
        (DEEP, "collector"): (3.0, 80.0),
        (DEEP, "straightforward"): (9.0, 300.0),
        (MILLION, "collector"): (15.0, changed.get("million", 120.0)),
        (MILLION, "collector, steady"): (10.0, changed.get("steady million", 119.0)),
        (MILLION, "floor"): (10.0, 400.0),
        (LARGE_PAGES, "collector"): (3.0, 110.0),
        (CUSTOMER, "collector"): (1.0, 80.0),
        (LARGE_CUSTOMER, "collector"): (3.0, changed.get("large customer", 95.0)),
        (LARGE_PAGES, "collector, steady"): (2.0, changed.get("large pages", 111.0)),
        (TENTH, "collector"): (2.0, changed.get("tenth", 110.0)),
        (LEDGER, "judge"): (20.0, changed.get("ledger", 80.0)),
    }
    for (workload, contender), (usual, peak) in measured.items():
        seconds = changed.get(f"{workload.name} {contender}", usual)
        tokens = TOKENS if contender != "floor" else {}
        judging = changed.get("judging", 10.0) if contender == "judge" else 0.0
        for factor in (1, 1, 50):
            measurement = Measurement(seconds * factor, seconds, peak, workload.rows, tokens, judging)
            report.add(workload, contender, measurement)
    return report


def test_medians_count_and_not_what_disturbed_one_run() -> None:
    report = a_report()

    assert report.is_passed
    reached = report.reached()
    assert reached["fleet: times faster than straightforward"] == 10
    assert reached["fleet: first run against the floor"] == 1
    assert reached["fleet: steady run against the floor"] == 0.75
    assert reached["fleet: steady run, times faster than straightforward"] == pytest.approx(20 / 1.5)
    assert reached["million: peak beyond that of a tenth"] == 10
    assert reached["ledger: judge's share of a run's processor time"] == pytest.approx((10 / 20_000) / (15 / 2_000))
    assert reached[HOURS_REQUIRED] == pytest.approx(1 / 0.06)
    assert reached["front: time against a bare message"] == pytest.approx(1.2)
    assert reached["front: share of answers within 100 ms"] == 0.96
    assert reached["python -m collector --help"] == 0.2


@pytest.mark.parametrize(
    ("changed", "missed"),
    [
        ({"fleet collector": 4.1}, {"fleet: times faster than straightforward", "fleet: first run against the floor"}),
        (
            {"fleet collector, steady": 2.6},
            {"fleet: steady run against the floor", "fleet: steady run, times faster than straightforward"},
        ),
        ({"deep collector": 4.5}, {"deep: times faster than straightforward"}),
        ({"million": 124.0, "tenth": 100.0}, {"million: peak beyond that of a tenth"}),
        ({"ledger judge": 31.0}, {"ledger: joined and judged, against the floor's time for an application"}),
        ({"ledger": 111.0}, {"ledger: peak memory"}),
        ({"uploaded": 0.07}, {HOURS_REQUIRED}),
        ({"answer": 0.016}, {"front: time against a bare message"}),
        (
            {"answer": 0.101},
            {"front: time against a bare message", "front: share of answers within 100 ms"},
        ),
        ({"judging": 16.0}, {"ledger: judge's share of a run's processor time"}),
        ({"steady million": 126.0}, {"million: peak memory"}),
        ({"million collector": 21.0}, {"million: first run against the floor"}),
        ({"million collector, steady": 12.0}, {"million: steady run against the floor"}),
        ({"large pages": 121.0}, {"large pages: peak memory"}),
        ({"large customer": 101.0}, {"large customer: peak beyond that of one a tenth as large"}),
        ({"million": 131.0}, {"million: peak memory", "million: peak beyond that of a tenth"}),
    ],
)
def test_a_number_that_is_missed_is_told(changed: dict[str, float], missed: set[str]) -> None:
    report = a_report(**changed)
    console = Console(width=160, record=True, file=io.StringIO())

    show(report, console)

    assert not report.is_passed
    assert {name for name, value in report.reached().items() if not REQUIRED[name].is_met_by(value)} == missed
    assert console.export_text().count("missed") == len(missed)


def test_the_json_has_every_measurement_and_no_host_name() -> None:
    text = a_report().as_json()

    document = json.loads(text)
    contenders = {"collector", "collector, steady", "floor", "judge", "straightforward"}
    assert {one["contender"] for one in document["measurements"]} == contenders
    assert set(document["required"]) == set(REQUIRED)
    assert set(document["machine"]) == {"cores", "memory_gigabytes", "system", "python"}
    assert platform.node() not in text or len(platform.node()) < 4
