"""GET /api/metrics: text that an OpenMetrics parser accepts, with the same figures as the other answers."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from compliance_api.prometheus.metrics import FAMILIES
from compliance_api.prometheus.open_metrics import Exposition, Family
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from tests.compliance_api.conftest import Api, principal
from tests.queries.fleet import NOW, Fleet

DOCS = Path(__file__).parents[2] / "docs"
DASHBOARD = DOCS / "grafana" / "compliance.json"


def samples(text: str) -> dict[str, dict[str, float]]:
    """The samples of a text by metric and by the value of its one label."""
    return {
        family.name: {next(iter(sample.labels.values()), ""): sample.value for sample in family.samples}
        for family in text_string_to_metric_families(text)
    }


async def scraped(api: Api) -> dict[str, dict[str, float]]:
    reply = await api.get("metrics")
    assert reply.status == 200, reply.body
    assert reply.headers["content-type"] == "application/openmetrics-text; version=1.0.0"
    return samples(reply.body.decode())


async def test_the_figures_are_those_of_the_summary(api: Api, mixed: Fleet) -> None:
    found, summary = await scraped(api), (await api.get("compliance")).json

    statuses = {name: number for name, number in summary["applications"].items() if name != "total"}
    assert found["compliance_applications"] == statuses
    assert found["compliance_unread_applications"] == summary["unread_last_known"]
    assert found["compliance_open_violations"] == {"": summary["states"]["noncompliant"]}
    assert found["compliance_run_timestamp_seconds"][""] == (NOW - timedelta(hours=1)).timestamp()
    assert found["compliance_run_stale"][""] == summary["as_of"]["is_stale"]
    assert found["compliance_run_age_seconds"][""] == pytest.approx(summary["as_of"]["age_seconds"], abs=60)
    assert found["compliance_run_applications"]["access_denied"] == 1
    assert found["compliance_open_findings"]["2"] >= 3
    assert found.keys() == {family.name for family in FAMILIES}


async def test_what_is_not_known_has_no_sample(api: Api, sandbox: Sandbox) -> None:
    empty = await scraped(api)

    assert empty["compliance_run_known"] == {"": 0}
    assert not any(values for name, values in empty.items() if name != "compliance_run_known")


async def test_the_collector_s_durations_and_the_credential_are_told(api: Api, sandbox: Sandbox, fleet: Fleet) -> None:
    fleet.run(hours_ago=2, alpha=[])
    run = {
        "TimeGenerated": (NOW - timedelta(hours=1)).isoformat(), "Run_id": "run-9", "Duration_ms": 12_500, "Applications": 0,
        "Result_rows": 0, "Verdict_rows": 0, "Rejected_rows": 3, "Credential_expires_at": (NOW + timedelta(days=9)).isoformat(),
    }  # fmt: skip
    sandbox.workspace.insert("PolicyCollectionRuns_CL", [run])
    found = await scraped(api)

    assert found["compliance_run_duration_seconds"] == {"": 12.5}
    assert found["compliance_run_rejected_rows"] == {"": 3}
    assert found["compliance_credential_expiry_timestamp_seconds"] == {"": (NOW + timedelta(days=9)).timestamp()}


async def test_a_workspace_that_does_not_answer_is_a_failed_scrape(api: Api, sandbox: Sandbox) -> None:
    with sandbox.offline(Service.LOG_ANALYTICS):
        assert (await api.get("metrics")).status == 503


async def test_metrics_are_for_readers(api: Api) -> None:
    assert (await api.get("metrics", caller=principal())).status == 403
    assert (await api.get("metrics", caller={})).status == 401


def test_any_text_in_a_label_is_read_back() -> None:
    exposition = Exposition((Family("a_b", 'He said "no" \\ \n.', ("name",)),))
    exposition.add("a_b", 1, name='x"\\\n{}=,é')

    assert samples(exposition.text().decode()) == {"a_b": {'x"\\\n{}=,é': 1.0}}
    with pytest.raises(KeyError):
        exposition.add("a_b", 1)


def test_the_documents_name_every_metric_and_no_other() -> None:
    told = set(re.findall(r"^\| `(compliance_\w+)", (DOCS / "metrics.md").read_text(encoding="utf-8"), re.MULTILINE))

    assert told == {family.name for family in FAMILIES}


def test_the_dashboard_asks_for_metrics_that_there_are() -> None:
    dashboard: Any = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    names = {family.name: set(family.labels) for family in FAMILIES}

    assert len(asked) >= 8
    for expression in asked:
        used = re.findall(r"(compliance_\w+)(?:\{([^}]*)\})?", expression)
        assert used
        for name, labels in used:
            assert name in names
            assert set(re.findall(r"(\w+)\s*[=!]", labels)) <= names[name]
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
