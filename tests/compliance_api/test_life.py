"""Findings have a life: how severe, due until when, accepted by whom, overdue; and which plan version introduced them."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest

from sandbox.local_azure import Sandbox
from tests.compliance_api.conftest import Api
from tests.queries.fleet import NOW, Fleet, State, bad, good
from verdicts.plan_settings import OVERDUE_AFTER_DAYS, PlanSettings, Severity

FINDINGS, PLANS = "compliance/findings", "compliance/plans"
DAY = timedelta(days=1)
SETTLED = PlanSettings("gold", Severity.LOW, {"tls": Severity.CRITICAL, "baseline": Severity.HIGH})


def lines_of(reply: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(reply.body.decode("utf-8-sig"))))


async def found(api: Api, **parameters: Any) -> list[tuple[str, str | None]]:
    listed = (await api.get(FINDINGS, **parameters)).json["findings"]
    return [(one["application"]["name"], one["violation_severity"]) for one in listed]


@pytest.fixture
def aged(api: Api, fleet: Fleet, sandbox: Sandbox) -> Fleet:
    """Of the plan gold: `late` is overdue (critical), `later` too (high), `fresh` is not; `old` has no plan, `lost` no access."""
    fleet.settled = {"gold": SETTLED}
    fleet.plans = dict.fromkeys(("late", "later", "fresh"), ("gold", "1.0.0"))
    known = {"old": [bad()], "late": [bad(assignment="tls")], "later": [bad()], "lost": [good()]}
    sandbox.clock.stop(NOW - 10 * DAY)  # the workspace takes no rows of days that are past
    fleet.run(hours_ago=10 * 24, **known)
    sandbox.clock.stop(NOW)
    fleet.run(hours_ago=1, **{**known, "lost": "AccessDenied"}, fresh=[bad(assignment="tls"), bad(assignment="tags")])
    return fleet


async def test_overdue_findings_come_first_the_most_severe_before_the_others(api: Api, aged: Fleet) -> None:
    assert await found(api) == [
        ("late", "critical"),
        ("later", "high"),
        ("old", "medium"),
        ("fresh", "low"),
        ("fresh", "critical"),
        ("lost", None),
    ]
    assert (await api.get(FINDINGS)).json["counts"]["overdue"] == {
        "total": 2, "critical": 1, "high": 1, "medium": 0, "low": 0, "not_known": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("parameters", "names"),
    [
        ({"overdue": "true"}, ["late", "later"]),
        ({"overdue": "false"}, ["old", "fresh", "fresh", "lost"]),
        ({"severity": "critical"}, ["late", "fresh"]),
        ({"severity": "high,low"}, ["later", "fresh"]),
        ({"severity": "critical, 2", "kind": "unread"}, ["lost"]),
        ({"severity": "critical", "overdue": "true"}, ["late"]),
        ({"sort": "due_by", "kind": "noncompliant"}, ["late", "later", "fresh", "old", "fresh"]),
        ({"sort": "-due_by"}, ["lost", "fresh", "old", "fresh", "later", "late"]),
        ({"sort": "-trouble", "overdue": "true"}, ["later", "late"]),
    ],
)
async def test_findings_are_filtered_and_sorted_by_their_life(
    api: Api, aged: Fleet, parameters: dict[str, str], names: list[str]
) -> None:
    assert [name for name, _ in await found(api, **parameters)] == names


@pytest.mark.parametrize("sort", ["due_by", "-due_by", "trouble", "-trouble"])
async def test_pages_follow_the_order(api: Api, aged: Fleet, sort: str) -> None:
    whole, read, token = await found(api, sort=sort), [], None
    while token or not read:
        page = await api.get(FINDINGS, sort=sort, page_size=1, **({"page_token": token} if token else {}))
        read += [(one["application"]["name"], one["violation_severity"]) for one in page.json["findings"]]
        token = page.json["next_page_token"]

    assert read == whole
    first = (await api.get(FINDINGS, sort=sort, page_size=1)).json["next_page_token"]
    other = "trouble" if sort != "trouble" else "due_by"
    assert (await api.get(FINDINGS, sort=other, page_size=1, page_token=first)).status == 400


async def test_an_acceptance_suspends_and_says_until_when_by_whom_and_why(
    api: Api, aged: Fleet, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_CACHE_SECONDS", "0")
    aged.accept("late", until=NOW + timedelta(days=2))
    aged.run(hours_ago=0.5, late=[bad(assignment="tls")])

    [one] = (await api.get(FINDINGS, search="customer late", severity="critical")).json["findings"][:1]
    assert (one["is_overdue"], one["due_by"]) == (False, "2026-03-02T12:00:00Z")
    assert (one["accepted_until"], one["accepted_by"], one["accepted_reason"]) == (
        "2026-03-12T12:00:00Z", "ada", "planned",
    )  # fmt: skip
    sandbox.clock.stop(NOW + timedelta(days=2, seconds=1))

    [one] = (await api.get(FINDINGS, overdue="true", severity="critical", search="customer late")).json["findings"]
    assert (one["is_overdue"], one["due_by"]) == (True, "2026-03-02T12:00:00Z"), "overdue by its first date"
    assert (one["accepted_until"], one["accepted_by"], one["accepted_reason"]) == (None, "", "")


async def test_a_finding_of_a_row_from_before_this_version_is_told_as_not_known_and_not_as_overdue(
    api: Api, aged: Fleet, sandbox: Sandbox
) -> None:
    [row] = sandbox.workspace.query(
        'PolicyVerdicts_CL | where Application_name == "late" | top 1 by TimeGenerated desc'
    )
    old = {name: value for name, value in row.items() if value is not None}
    times = {name: value.isoformat() for name, value in old.items() if hasattr(value, "isoformat")}
    later = {"TimeGenerated": (NOW - timedelta(minutes=50)).isoformat()}
    removed = ("Severity", "Due_by", "Opened_in_version")
    sandbox.workspace.insert(
        "PolicyVerdicts_CL", [{name: one for name, one in (old | times | later).items() if name not in removed}]
    )
    sandbox.workspace.insert(
        "PolicyCollectionRuns_CL", [{**later, "Run_id": "later", "Applications": 5, "Uploaded_rows": 0}]
    )

    told = (await api.get(FINDINGS)).json
    [one] = [one for one in told["findings"] if one["application"]["name"] == "late"]
    assert (one["violation_severity"], one["due_by"], one["is_overdue"]) == (None, None, False)
    assert told["counts"]["overdue"]["not_known"] == 1
    assert (await api.get("compliance")).json["overdue"] == told["counts"]["overdue"]


async def test_the_exports_have_it_too(api: Api, aged: Fleet) -> None:
    lines = lines_of(await api.get(FINDINGS, format="csv"))

    assert [(one["application"], one["violation_severity"], one["is_overdue"]) for one in lines[:3]] == [
        ("late", "critical", "true"),
        ("later", "high", "true"),
        ("old", "medium", "false"),
    ]
    assert lines[0]["due_by"] == "2026-03-02T12:00:00Z"
    applications = {one["application"]: one for one in lines_of(await api.get("compliance/applications", format="csv"))}
    assert (applications["late"]["overdue_assignments"], applications["old"]["overdue_assignments"]) == ("1", "0")
    assert applications["late"]["due_by"] == "2026-03-02T12:00:00Z"


async def test_the_metrics_count_it_by_severity(api: Api, aged: Fleet) -> None:
    text = (await api.get("metrics")).body.decode()

    assert 'compliance_overdue_findings{severity="critical"} 1' in text
    assert 'compliance_overdue_findings{severity="low"} 0' in text


async def test_before_the_first_run_nobody_knows_what_is_overdue(api: Api) -> None:
    told = (await api.get("compliance")).json["overdue"]

    assert set(told.values()) == {None}
    assert (await api.get(FINDINGS)).json["counts"] is None


def due_in(severity: Severity) -> timedelta:
    return timedelta(days=OVERDUE_AFTER_DAYS[severity])


async def test_an_application_says_for_each_assignment_when_it_is_due_and_since_which_version(
    api: Api, aged: Fleet
) -> None:
    listed = (await api.get("compliance/applications", search="fresh")).json["applications"]
    told = (await api.get(listed[0]["links"]["self"].removeprefix("/api/"))).json["assignments"]

    first_seen = NOW - timedelta(hours=1)
    assert {one["name"]: (one["violation_severity"], one["due_by"], one["opened_in_version"]) for one in told} == {
        "The tls": ("critical", f"{first_seen + due_in(Severity.CRITICAL):%Y-%m-%dT%H:%M:%SZ}", "1.0.0"),
        "The tags": ("low", f"{first_seen + due_in(Severity.LOW):%Y-%m-%dT%H:%M:%SZ}", "1.0.0"),
    }


@pytest.fixture
def released(fleet: Fleet) -> Fleet:
    """Two of the plan gold went from 1.9.0 to 1.10.0, which broke the baseline; one had broken tls before."""
    names = ("alpha", "beta", "gamma")
    fleet.plans = dict.fromkeys(names, ("gold", "1.9.0"))
    sound = [good(), good(assignment="tls")]
    fleet.run(hours_ago=30, alpha=sound, beta=[good(), bad(assignment="tls")], gamma=sound)
    fleet.plans |= dict.fromkeys(names[:2], ("gold", "1.10.0"))
    fleet.run(
        hours_ago=20,
        alpha=[bad(), good(assignment="tls")],
        beta=[bad(), bad(assignment="tls")],
        gamma=sound,
    )
    return fleet


async def introduced(api: Api) -> dict[tuple[str, str], Any]:
    plans = (await api.get(PLANS, plan="gold")).json["plans"]
    return {(one["plan"]["version"], each["name"]): each for one in plans for each in one["assignments"]}


async def test_a_plan_version_says_what_it_introduced_and_what_was_brought_along(api: Api, released: Fleet) -> None:
    told = await introduced(api)

    baseline, tls = told["1.10.0", "baseline"], told["1.10.0", "tls"]
    assert (baseline["noncompliant"], baseline["opened_in_this_version"], baseline["opened_before"]) == (2, 2, 0)
    assert (tls["noncompliant"], tls["opened_in_this_version"], tls["opened_before"]) == (1, 0, 1)
    assert baseline["introduced_in"] == {
        "version": "1.10.0", "previous_version": "1.9.0", "previous_state": "clean",
    }  # fmt: skip
    assert tls["introduced_in"] == {"version": "1.9.0", "previous_version": None, "previous_state": None}
    assert told["1.9.0", "baseline"]["introduced_in"] == baseline["introduced_in"]


async def test_what_nobody_could_read_in_the_previous_version_is_not_called_clean(api: Api, fleet: Fleet) -> None:
    fleet.plans = dict.fromkeys(("alpha", "beta"), ("gold", "1.9.0"))
    fleet.run(hours_ago=40, alpha=[good()], beta=[State("Unknown")])
    fleet.run(hours_ago=30, alpha=[good()], beta="AccessDenied")
    fleet.plans |= {"alpha": ("gold", "1.10.0")}
    fleet.run(hours_ago=1, alpha=[bad()], beta="AccessDenied")

    told = await introduced(api)

    assert told["1.10.0", "baseline"]["introduced_in"]["previous_state"] == "not_known"


async def test_a_violation_of_a_version_that_nobody_knows_is_told_as_that(api: Api, released: Fleet) -> None:
    for name, facts in released.remembered.items():
        released.remembered[name] = type(facts)(
            **{each: getattr(facts, each) for each in facts.__dataclass_fields__} | {"versions": ()}
        )
    released.run(hours_ago=1, alpha=[bad(), good(assignment="tls")], beta=[bad(), bad(assignment="tls")], gamma=[])

    baseline = (await introduced(api))["1.10.0", "baseline"]
    assert baseline["opened_in_this_version"] + baseline["opened_before"] == 0
    assert baseline["opened_in_unknown_version"] == 2


async def test_the_share_of_those_that_were_read_stands_beside_the_share_of_all(api: Api, released: Fleet) -> None:
    released.plans["delta"] = ("gold", "1.9.0")
    sound = [good(), good(assignment="tls")]
    released.run(hours_ago=1, alpha=sound, beta=sound, gamma=sound, delta="AccessDenied")

    [older] = [one for one in (await api.get(PLANS)).json["plans"] if one["plan"]["version"] == "1.9.0"]
    assert older["applications"] == {"total": 2, "noncompliant": 0, "unread": 1, "not_evaluated": 0, "compliant": 1}
    assert (older["compliant_share"], older["compliant_share_of_read"]) == (50.0, 100.0)


async def test_the_export_of_plans_says_where_it_began(api: Api, released: Fleet) -> None:
    lines = {(one["plan_version"], one["assignment_name"]): one for one in lines_of(await api.get(PLANS, format="csv"))}

    one = lines["1.10.0", "baseline"]
    assert (one["assignment_opened_in_this_version"], one["assignment_introduced_in_version"]) == ("2", "1.10.0")
    assert (one["assignment_introduced_in_previous_version"], one["assignment_introduced_in_previous_state"]) == (
        "1.9.0", "clean",
    )  # fmt: skip
