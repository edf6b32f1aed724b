"""docs/costs.md shows what its module computes, and the computation follows the fleet."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bench import costs
from bench.costs import Fleet, main, month, overview, page, table
from bench.row_sizes import RowSizes, measured
from checks.reach.scenarios import scenarios
from checks.templates.deployment import deploy
from operations.cost import prices

PROJECT = Path(__file__).resolve().parent.parent.parent
SIZES = RowSizes(state=1000, summary=800, verdict=600, violated=1200, result=400, run=100, answered_state=1000)


@pytest.mark.parametrize(("document", "compute"), [(costs.PAGE, page), (costs.INDEX, overview)])
def test_the_documents_show_what_is_computed(document: Path, compute: Callable[[RowSizes], str]) -> None:
    shown = document.read_text(encoding="utf-8").partition(costs.BEGIN)[2].partition(costs.END)[0].strip()
    assert shown == compute(measured()), "run python -m bench.costs --document"


def test_the_documents_are_written_between_their_marks_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    originals = {"PAGE": costs.PAGE, "INDEX": costs.INDEX}
    for name, original in originals.items():
        copy = tmp_path / original.name
        shutil.copy(original, copy)
        copy.write_text(copy.read_text(encoding="utf-8").replace("| 10 |", "| 11 |"), encoding="utf-8")
        monkeypatch.setattr(costs, name, copy)
    assert main(["--document"]) == 0
    for original in originals.values():
        assert (tmp_path / original.name).read_text(encoding="utf-8") == original.read_text(encoding="utf-8")


def test_every_price_of_the_module_is_in_the_pages_list() -> None:
    listed = costs.PAGE.read_text(encoding="utf-8").partition("## Prices")[2].partition("##")[0]
    cells = set(re.findall(r"[\d.]+", " ".join(line.split("|")[2] for line in listed.splitlines() if line[:2] == "| ")))
    hourly = {price for _, price in prices.PRIVATE_HOURS.values()}
    used = hourly | {prices.INGESTION, prices.RETENTION, prices.ALERT_RULE, prices.TIME_SERIES, prices.NAT_GIGABYTE}
    assert {float(cell) for cell in cells} == used | {prices.EXECUTION, prices.PRIVATE_DNS_ZONES[1]}
    assert f"Looked up on {prices.LOOKED_UP}" in listed
    assert f"there are {prices.ALERT_RULES} |" in listed
    assert prices.REGION in costs.PAGE.read_text(encoding="utf-8").partition("<!--")[0]


def test_what_is_counted_is_what_the_templates_deploy() -> None:
    rules = json.loads((PROJECT / "infra" / "alert_rules.json").read_text(encoding="utf-8"))["rules"]
    deployed = deploy(scenarios()[0]).of_type("Microsoft.Insights/scheduledQueryRules")
    assert len(rules) < len(deployed) == prices.ALERT_RULES
    zones = json.loads((PROJECT / "infra" / "clouds.json").read_text(encoding="utf-8"))["AzureCloud"]["monitorDnsZones"]
    storage_services, vault = 3, 1
    assert prices.PRIVATE_DNS_ZONES[0] == storage_services + vault + len(zones)
    private = deploy({**scenarios()[0], "privateNetworking": True})
    defaults = (PROJECT / "infra" / "main.bicep").read_text(encoding="utf-8")
    assert f"param retentionInDays int = {prices.DAYS_KEPT}\n" in defaults
    assert f"param instanceMemoryMB int = {prices.INSTANCE_GIGABYTES * 1024}\n" in defaults
    assert prices.PRIVATE_HOURS["private endpoints"][0] == len(private.of_type("Microsoft.Network/privateEndpoints"))


def test_a_month_adds_up() -> None:
    cost = month(Fleet(customers=100), SIZES)
    turns, changes = 730 / 19, 5 * 730 / 24
    uploads = 100 * turns + changes
    states = uploads * 100 * 1000
    verdicts = 730 * 10 * 1200 + (uploads * 2.9 + changes / 2 * 50) * 600
    results = 730 * (100 * 400 + 100)
    assert cost.gigabytes == pytest.approx((states + verdicts + results) / 10**9 + 1)
    assert cost.ingestion == pytest.approx(cost.gigabytes * 2.99)
    assert cost.alerts == pytest.approx(prices.ALERT_RULES * 0.5 + 9 * 0.05)
    assert cost.public_mode == pytest.approx(cost.ingestion + cost.retention + cost.alerts + cost.functions)


def test_summarised_rows_cost_by_policies_and_violations() -> None:
    detailed, summarised = (month(Fleet(customers=100, summarised=one), SIZES) for one in (False, True))
    uploads = 730 / 19 + 0.05 * 730 / 24
    saved = uploads * (100 * 100 * 1000 - 100 * 22 * 800 - 100 * 1000)
    assert detailed.gigabytes - summarised.gigabytes == pytest.approx(saved / 10**9)


def test_a_fleet_that_changes_more_costs_more_and_one_that_uploads_everything_most() -> None:
    still, changing, everything, seldom = (
        month(Fleet(customers=100, **fields), SIZES).gigabytes - 1
        for fields in (
            {"changes": 0.01},
            {"changes": 0.2},
            {"uploads_all": True},
            {"uploads_all": True, "hours_between_runs": 19},
        )
    )
    assert still < changing < 1.3 * still
    assert everything > 14 * still
    assert seldom < still, "fewer runs, fewer results"


def test_rows_have_about_the_size_that_the_documents_work_with() -> None:
    sizes = measured()
    assert sizes.state == pytest.approx(1000, rel=0.1)
    assert sizes.summary < sizes.state
    assert sizes.verdict == pytest.approx(950, rel=0.1)
    assert sizes.violated == pytest.approx(2000, rel=0.1)
    assert sizes.result == pytest.approx(560, rel=0.1)


def test_a_fleet_of_ones_own_is_printed_both_ways(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--customers", "250", "--states", "300", "--hours-between-runs", "6", "--gigabyte-price", "2.30"]) == 0
    fleet = Fleet(customers=250, states=300, hours_between_runs=6, ingestion=2.30)
    out = capsys.readouterr().out
    assert out.startswith(table([fleet], measured()))
    assert "| 250 | summarised |" in out


@pytest.mark.parametrize(
    "wrong",
    [
        ("--customers", "0"),
        ("--customers", "-5"),
        ("--customers", "x"),
        ("--hours-between-runs", "0"),
        ("--gigabyte-price", "nan"),
        ("--changes", "-1"),
    ],
)
def test_a_fleet_that_cannot_be_is_refused_with_the_options_name(
    wrong: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--customers", "10", *wrong])
    assert wrong[0] in capsys.readouterr().err.splitlines()[-1]
