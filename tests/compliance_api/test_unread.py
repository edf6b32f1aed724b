"""A customer who cannot be read: what was last known, with its date; never a zero, never an empty list that reads as clean."""

import csv
import io
from typing import Any

from checks.observation import INFRASTRUCTURE, runnable
from sandbox.local_azure import Sandbox
from tests.compliance_api.conftest import Api
from tests.queries.fleet import Fleet, application_id, bad, good


async def listed(api: Api) -> dict[str, Any]:
    return {one["name"]: one for one in (await api.get("compliance/applications")).json["applications"]}


async def exported(api: Api, path: str) -> list[dict[str, str]]:
    reply = await api.get(path, format="csv")
    return list(csv.DictReader(io.StringIO(reply.body.decode("utf-8-sig"))))


async def test_of_whom_was_never_read_no_count_is_told(api: Api, mixed: Fleet) -> None:
    gamma = (await listed(api))["gamma"]

    assert gamma["states"] == dict.fromkeys(("noncompliant", "compliant", "exempt", "unknown"))
    counted = ("assignments_without_states", "held_assignments", "accepted_assignments", "guard_changes")
    assert {gamma[name] for name in counted} == {None}
    [row] = [one for one in await exported(api, "compliance/applications") if one["application"] == "gamma"]
    assert (row["noncompliant_states"], row["held_assignments"], row["last_read"]) == ("", "", "")
    assert (row["status"], row["last_known"]) == ("unread", "unknown")


async def test_a_list_of_violations_that_nobody_can_give_says_so(api: Api, mixed: Fleet) -> None:
    path = f"compliance/applications{application_id('gamma')}"
    violations = (await api.get(path)).json["violations"]

    assert (violations["listed"], violations["total"], violations["open"]) == ("unknown", None, None)
    [line] = await exported(api, path)
    assert (line["application"], line["status"], line["listed"], line["open_violations"]) == (
        "gamma",
        "unread",
        "unknown",
        "",
    )


async def test_what_was_known_of_an_unread_customer_has_its_date_everywhere(api: Api, mixed: Fleet) -> None:
    path = f"compliance/applications{application_id('beta')}"
    told = (await api.get(path)).json

    read, denied = "2026-03-10T10:00:00Z", "2026-03-10T11:00:00Z"
    assert (told["application"]["states"]["noncompliant"], told["application"]["last_read"]) == (2, read)
    assert (told["violations"]["listed"], told["violations"]["last_read"]) == ("all", read)
    assert {one["last_read"] for one in told["violations"]["resources"]} == {read}
    [unread] = [one for one in told["unread"]["applications"] if one["name"] == "beta"]
    assert (unread["last_known"], unread["last_read"], unread["unread_since"]) == ("noncompliant", read, denied)
    lines = await exported(api, path)
    assert [(one["last_known"], one["last_read"], one["unread_since"]) for one in lines] == [
        ("noncompliant", read, denied)
    ] * 2
    [row] = (await api.get("saved_queries/assignments")).json["results"][:1]
    assert (row["Application_name"], row["Last_read"], row["Unread_since"]) == ("beta", read, denied)


async def test_of_a_clean_customer_the_export_says_that_nothing_is_open(api: Api, mixed: Fleet) -> None:
    [line] = await exported(api, f"compliance/applications{application_id('alpha')}")

    assert (line["status"], line["open_violations"], line["listed"], line["resource_id"]) == (
        "compliant",
        "0",
        "all",
        "",
    )


async def test_an_application_whose_verdicts_are_lost_has_no_count_and_no_list(api: Api, fleet: Fleet) -> None:
    fleet.run(hours_ago=1)
    run = {"TimeGenerated": fleet.started("run-1"), "Run_id": "run-1"}
    read = {"Outcome": "Succeeded", "Compliance": "NonCompliant", "Last_read": fleet.started("run-1")}
    fleet.upload_result(run, "nu", [], **read)

    told = (await api.get(f"compliance/applications{application_id('nu')}")).json

    assert told["application"]["status"] == "noncompliant"
    assert told["application"]["states"]["noncompliant"] is None
    assert (told["violations"]["listed"], told["violations"]["open"]) == ("unknown", None)
    [finding] = (await api.get("compliance/findings")).json["findings"]
    assert (finding["kind"], finding["application"]["name"]) == ("noncompliant", "nu")
    assert (finding["assignment"], finding["violations"], finding["since"]) == (None, None, None)


async def test_sums_of_what_is_known_of_nobody_are_no_zero(api: Api, fleet: Fleet) -> None:
    fleet.plans = {"alpha": ("gold", "1.0"), "beta": ("gold", "1.0")}
    fleet.run(hours_ago=1, alpha="AccessDenied", beta="Failed")

    told = (await api.get("compliance")).json
    [summary] = (await api.get("saved_queries/fleet_summary")).json["results"]
    [plan] = (await api.get("compliance/plans")).json["plans"]
    [row] = (await api.get("saved_queries/plans")).json["results"]
    [line] = await exported(api, "compliance/plans")
    assert told["applications"]["unread"] == summary["Not_read"] == plan["applications"]["unread"] == 2
    assert {*told["states"].values()} == {None}
    assert {summary[f"{kind}_states"] for kind in ("Noncompliant", "Exempt", "Unknown")} == {None}
    assert (plan["violations"], row["Noncompliant_states"], line["violations"]) == (None, None, "")
    assert b"\ncompliance_open_violations " not in (await api.get("metrics")).body


async def test_sums_are_of_those_of_whom_something_is_known(api: Api, fleet: Fleet) -> None:
    fleet.run(hours_ago=1, alpha="AccessDenied", beta=[bad("a"), bad("b")], nu=[good()])

    told = (await api.get("compliance")).json["states"]
    [summary] = (await api.get("saved_queries/fleet_summary")).json["results"]
    assert (
        (told["noncompliant"], told["exempt"]) == (summary["Noncompliant_states"], summary["Exempt_states"]) == (2, 0)
    )


async def test_violations_that_nobody_counted_are_no_zero(api: Api, fleet: Fleet, sandbox: Sandbox) -> None:
    fleet.run(hours_ago=1, nu=[])
    row = {
        "TimeGenerated": fleet.started("run-1"), "Run_id": "run-1", "Application_id": application_id("nu"),
        "Policy_assignment_id": "/x", "Policy_assignment_name": "x", "Verdict": "NonCompliant",
    }  # fmt: skip
    sandbox.workspace.insert("PolicyVerdicts_CL", [row])

    [assignment] = (await api.get("compliance/plans")).json["plans"][0]["assignments"]
    [shown] = sandbox.workspace.query(runnable(INFRASTRUCTURE / "workbooks" / "assignments.kql"))
    assert (assignment["noncompliant"], assignment["violations"]) == (1, None)
    assert (shown["Noncompliant_applications"], shown["Noncompliant_states"], shown["Compliant_states"]) == (
        1,
        None,
        None,
    )


async def test_of_a_run_that_says_nothing_of_its_applications_no_outcome_is_counted(
    api: Api, fleet: Fleet, sandbox: Sandbox
) -> None:
    fleet.run(hours_ago=2, nu=[good()])
    run = {"TimeGenerated": fleet.started("run-1"), "Run_id": "run-0"}
    sandbox.workspace.insert("PolicyCollectionRuns_CL", [run])

    runs = {one["run_id"]: one for one in (await api.get("compliance/runs")).json["runs"]}
    assert (runs["run-0"]["access_denied"], runs["run-1"]["access_denied"]) == (None, 0)
