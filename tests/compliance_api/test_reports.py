"""Across the fleet: findings, plan versions and exemptions; and one application over time, with its gaps."""

import csv
import io
import json
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from compliance_api.fleet.rules import RULES
from sandbox.alerts.rules import RULES_FILE
from sandbox.local_azure import Sandbox
from tests.compliance_api.conftest import READER, Api, principal
from tests.queries.every_kind import HELD, one_of_every_kind
from tests.queries.fleet import NOW, Fleet, State, application_id, bad, good, states_of, subscription_of

FINDINGS, PLANS, EXEMPTIONS = "compliance/findings", "compliance/plans", "compliance/exemptions"


def lines_of(reply: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(reply.body.decode("utf-8-sig"))))


async def found(api: Api, **parameters: Any) -> list[tuple[str, str]]:
    listed = (await api.get(FINDINGS, **parameters)).json["findings"]
    return [(one["kind"], one["application"]["name"]) for one in listed]


@pytest.fixture
def kinds(fleet: Fleet) -> Fleet:
    fleet.plans = {"violated": ("gold", "1.0"), "sound": ("gold", "1.0"), "denied": ("gold", "2.0")}
    one_of_every_kind(fleet)
    return fleet


async def test_every_trouble_is_found_once_the_most_severe_and_oldest_first(api: Api, kinds: Fleet) -> None:
    told = (await api.get(FINDINGS)).json

    assert await found(api) == [
        ("noncompliant", "accepted"),
        ("noncompliant", "denied"),
        ("noncompliant", "disarmed"),
        ("noncompliant", "held"),
        ("unread", "newcomer"),
        ("noncompliant", "violated"),
        ("unread", "denied"),
        ("guard_changed", "disarmed"),
        ("unread", "vanished"),
        ("not_evaluated", "undecided"),
    ]
    assert told["counts"] == {
        "total": 10,
        "new": 10,
        "held": 3,
        "accepted": 1,
        "applications": 8,
        "by_kind": {"noncompliant": 5, "guard_changed": 1, "not_evaluated": 1, "unread": 3, "left_unconfirmed": 0},
        "by_judge": {"AzurePolicy": 7, "PublisherCheck": 0},
        "by_severity": {"0": 0, "1": 0, "2": 9, "3": 1, "4": 0},
        "overdue": {"total": 0, "critical": 0, "high": 0, "medium": 0, "low": 0, "not_known": 0},
    }
    assert (told["total"], told["is_complete"], told["unread"]["count"]) == (10, True, 3)


async def test_a_finding_is_as_severe_as_the_rule_that_alerts_about_it(api: Api, kinds: Fleet) -> None:
    rules = {rule["name"]: rule["severity"] for rule in json.loads(RULES_FILE.read_text(encoding="utf-8"))["rules"]}

    for one in (await api.get(FINDINGS)).json["findings"]:
        assert one["severity"] == rules[one["rule"]]
    assert set(RULES.values()) <= set(rules)


async def test_a_finding_says_what_since_when_and_why_it_is_held_or_accepted(api: Api, kinds: Fleet) -> None:
    listed = (await api.get(FINDINGS, kind="noncompliant")).json["findings"]
    named = {one["application"]["name"]: one for one in listed}

    assert {name: one["held"]["reason"] for name, one in named.items() if one["held"]} == HELD
    assert named["accepted"]["accepted_until"] == "2026-04-09T12:00:00Z"
    violated = named["violated"]
    assert (violated["violations"], violated["details"], violated["since"]) == (2, "a, b", "2026-03-10T07:00:00Z")
    assert (violated["plan"], violated["assignment"]["name"]) == ({"name": "gold", "version": "1.0"}, "The baseline")
    assert named["denied"]["last_read"] == "2026-03-10T07:00:00Z"
    assert (await api.get(violated["links"]["application"].removeprefix("/api/"))).json["application"][
        "name"
    ] == "violated"


@pytest.mark.parametrize(
    ("parameters", "names"),
    [
        ({"kind": "unread,guard_changed"}, ["newcomer", "denied", "disarmed", "vanished"]),
        ({"severity": "3"}, ["undecided"]),
        ({"severity": "0,1"}, []),
        ({"plan": "GOLD"}, ["denied", "violated", "denied"]),
        ({"plan": "gold", "plan_version": "2.0"}, ["denied", "denied"]),
        ({"subscription": subscription_of("held").upper()}, ["held"]),
        ({"search": "customer VIO"}, ["violated"]),
        ({"assignment": "baseline", "kind": "guard_changed"}, ["disarmed"]),
        ({"assignment": "The baseline", "severity": "3"}, ["undecided"]),
        ({"new": "false"}, []),
    ],
)
async def test_findings_are_filtered(api: Api, kinds: Fleet, parameters: dict[str, str], names: list[str]) -> None:
    assert [name for _, name in await found(api, **parameters)] == names


@pytest.mark.parametrize(
    ("path", "parameters", "field"),
    [
        (FINDINGS, {"kind": "bad"}, "kind"),
        (FINDINGS, {"severity": "worst"}, "severity"),
        (FINDINGS, {"overdue": "yes"}, "overdue"),
        (FINDINGS, {"sort": "customer"}, "sort"),
        (FINDINGS, {"new": "yes"}, "new"),
        (FINDINGS, {"subscription": "all"}, "subscription"),
        (FINDINGS, {"status": "unread"}, "status"),
        (FINDINGS, {"format": "xml"}, "format"),
        (FINDINGS, {"page_token": "abc"}, "page_token"),
        (PLANS, {"search": "x"}, "search"),
        (EXEMPTIONS, {"kind": "unread"}, "kind"),
        (EXEMPTIONS, {"expires_before": "soon"}, "expires_before"),
        (f"compliance/applications{application_id('held')}/history", {"timespan": "P94D"}, "timespan"),
        (f"compliance/applications{application_id('held')}/history", {"limit": "1"}, "limit"),
    ],
)
async def test_a_bad_parameter_is_named(
    api: Api, kinds: Fleet, path: str, parameters: dict[str, str], field: str
) -> None:
    reply = await api.get(path, **parameters)

    assert (reply.status, reply.json["field"]) == (400, field)


@pytest.mark.parametrize(
    "path", [FINDINGS, PLANS, EXEMPTIONS, f"compliance/applications{application_id('held')}/history"]
)
async def test_only_readers_are_answered(api: Api, kinds: Fleet, path: str) -> None:
    assert (await api.get(path, caller=principal("Other"))).status == 403
    assert (await api.get(path, caller={})).status == 401
    assert (await api.get(path, caller=READER)).status == 200


async def test_what_began_a_day_before_the_run_is_not_new(api: Api, fleet: Fleet) -> None:
    fleet.run(hours_ago=26, alpha=[bad()])
    fleet.run(hours_ago=1, alpha=[bad()], beta=[bad()])

    assert await found(api, new="true") == [("noncompliant", "beta")]
    assert await found(api, new="false") == [("noncompliant", "alpha")]


async def test_findings_come_in_pages_and_as_an_export(api: Api, kinds: Fleet) -> None:
    whole, read, token = await found(api), [], None
    while token or not read:
        page = (await api.get(FINDINGS, page_size=3, **({"page_token": token} if token else {}))).json
        read += [(one["kind"], one["application"]["name"]) for one in page["findings"]]
        token = page["next_page_token"]
        assert page["counts"]["total"] == 10

    exported = lines_of(await api.get(FINDINGS, format="csv"))
    assert read == whole == [(one["kind"], one["application"]) for one in exported]
    other = (await api.get(FINDINGS, page_size=3)).json["next_page_token"]
    assert (await api.get(FINDINGS, page_size=3, kind="unread", page_token=other)).status == 400


async def test_plan_versions_say_how_many_comply_and_what_breaks_the_others(api: Api, kinds: Fleet) -> None:
    plans = (await api.get(PLANS)).json["plans"]

    assert [one["plan"] for one in plans] == [
        None,
        {"name": "gold", "version": "1.0"},
        {"name": "gold", "version": "2.0"},
    ]
    _, first, second = plans
    assert first["applications"] == {"total": 2, "noncompliant": 1, "unread": 0, "not_evaluated": 0, "compliant": 1}
    assert (first["compliant_share"], first["violations"]) == (50.0, 2)
    [broken] = first["assignments"]
    assert (broken["name"], broken["applications"], broken["noncompliant"]) == ("baseline", 2, 1)
    assert (second["applications"]["unread"], second["unread_noncompliant"]) == (1, 1)
    assert [(one["noncompliant"], one["unread"]) for one in second["assignments"]] == [(1, 1)]
    assert [one["plan"]["version"] for one in (await api.get(PLANS, plan="GOLD")).json["plans"]] == ["1.0", "2.0"]
    lines = lines_of(await api.get(PLANS, format="csv"))
    assert [(one["plan_version"], one["assignment_name"], one["assignment_noncompliant"]) for one in lines] == [
        ("", "baseline", "3"),
        ("1.0", "baseline", "1"),
        ("2.0", "baseline", "1"),
    ]


async def test_exemptions_come_by_their_expiry(api: Api, fleet: Fleet) -> None:
    soon, later = NOW + timedelta(minutes=30), NOW + timedelta(days=40)
    fleet.exempted = {"alpha": None, "beta": later, "gamma": soon}
    exempt = [State("Exempt")]
    fleet.run(hours_ago=1, alpha=exempt, beta=exempt, gamma=exempt, delta=[good()])

    told = (await api.get(EXEMPTIONS)).json["exemptions"]

    assert [(one["application"]["name"], one["expires_at"]) for one in told] == [
        ("gamma", "2026-03-10T12:30:00Z"),
        ("beta", "2026-04-19T12:00:00Z"),
        ("alpha", None),
    ]
    assert {(one["category"], one["created_by"], one["count"], one["is_expired"]) for one in told} == {
        ("Waiver", "grace", 1, False)
    }
    for day, number in (("2026-03-10T12:30:00Z", 0), ("2026-04-01", 1), ("2026-04-19T14:00:01+02:00", 2)):
        assert (await api.get(EXEMPTIONS, expires_before=day)).json["total"] == number
    lines = lines_of(await api.get(EXEMPTIONS, format="csv", search="beta"))
    assert [(one["application"], one["created_by"]) for one in lines] == [("beta", "grace")]


async def test_an_accepted_exemption_says_by_whom_and_until_when_as_it_was_accepted_last(
    api: Api, fleet: Fleet
) -> None:
    fleet.exempted = {"alpha": None, "beta": None}
    exempt = {"alpha": [State("Exempt")], "beta": [State("Exempt")]}
    fleet.run(hours_ago=3, **exempt)
    for days, hours_ago in ((9, 2), (30, 1)):
        fleet.accept_exemption("alpha", until=NOW + timedelta(days=days))
        fleet.run(hours_ago=hours_ago, **exempt)

    accepted, other = (await api.get(EXEMPTIONS)).json["exemptions"]
    [assignment] = (await api.get(f"compliance/applications{application_id('alpha')}")).json["assignments"]
    line, _ = lines_of(await api.get(EXEMPTIONS, format="csv"))

    end = "2026-04-09T12:00:00Z"
    for told in (accepted, assignment["exemptions"], line):
        assert (told["accepted_until"], told["accepted_by"], told["accepted_reason"]) == (end, "ada", "planned")
    assert (other["accepted_until"], other["accepted_by"], other["accepted_reason"]) == (None, "", "")


async def test_an_exemption_that_has_expired_since_the_run_is_told_as_expired(
    api: Api, fleet: Fleet, sandbox: Sandbox
) -> None:
    fleet.exempted = {"alpha": NOW + timedelta(minutes=30)}
    fleet.run(hours_ago=1, alpha=[State("Exempt")])
    sandbox.clock.stop(NOW + timedelta(hours=1))

    [told] = (await api.get(EXEMPTIONS)).json["exemptions"]

    assert told["is_expired"] is True


async def history(api: Api, name: str, **parameters: Any) -> Any:
    reply = await api.get(f"compliance/applications{application_id(name)}/history", **parameters)
    assert reply.status == 200
    return reply.json


async def test_an_application_is_told_run_by_run_with_what_was_known(api: Api, kinds: Fleet) -> None:
    told = await history(api, "denied")

    assert [(one["run_id"], one["status"], one["violations"], one["last_read"]) for one in told["runs"]] == [
        ("run-1", "noncompliant", 1, "2026-03-10T07:00:00Z"),
        ("run-2", "unread", 1, "2026-03-10T07:00:00Z"),
        ("run-3", "unread", 1, "2026-03-10T07:00:00Z"),
    ]
    assert told["application"]["customer"] == "Customer denied"
    assert told["gaps"][-1] == {"from": "2026-03-10T09:00:00Z", "until": "2026-03-10T12:00:00Z", "reason": "unread"}


async def test_a_time_without_a_run_is_a_gap(api: Api, fleet: Fleet) -> None:
    for hours in (12, 11, 4, 3):
        fleet.run(hours_ago=hours, alpha=[good()])

    told = await history(api, "alpha", timespan="PT13H")

    assert told["gaps"] == [
        {"from": "2026-03-10T01:00:00Z", "until": "2026-03-10T08:00:00Z", "reason": "no_run"},
        {"from": "2026-03-10T09:00:00Z", "until": "2026-03-10T12:00:00Z", "reason": "no_run"},
    ]


async def test_a_run_that_does_not_tell_of_an_application_is_a_gap(api: Api, fleet: Fleet) -> None:
    fleet.run(hours_ago=3, alpha=[bad()])
    fleet.run(hours_ago=2, registered=1)
    fleet.run(hours_ago=1, alpha=[bad()])

    told = await history(api, "alpha", timespan="PT4H")

    assert [one["status"] for one in told["runs"]] == ["noncompliant", "not_reported", "noncompliant"]
    assert [one["violations"] for one in told["runs"]] == [1, None, 1]
    assert told["gaps"] == [{"from": "2026-03-10T10:00:00Z", "until": "2026-03-10T11:00:00Z", "reason": "not_reported"}]


async def test_an_application_that_has_left_still_has_its_history(api: Api, kinds: Fleet) -> None:
    kinds.run(hours_ago=0, registered=0)
    told = await history(api, "left", timespan="PT6H")

    assert [one["status"] for one in told["runs"]] == ["noncompliant", "left", "left", "left"]
    assert told["gaps"] == []


async def test_runs_of_an_application_come_in_pages_and_as_an_export(api: Api, kinds: Fleet) -> None:
    first = await history(api, "sound", page_size=2)
    second = await history(api, "sound", page_size=2, page_token=first["next_page_token"])
    reply = await api.get(f"compliance/applications{application_id('sound')}/history", format="csv")

    assert [one["run_id"] for one in (*first["runs"], *second["runs"])] == ["run-1", "run-2", "run-3"]
    assert first["gaps"] == second["gaps"]
    assert [(one["told_by_run"], one["run_id"]) for one in lines_of(reply)] == [
        (f"run-{number}", "run-3") for number in (1, 2, 3)
    ]


@pytest.mark.parametrize(
    "spell", [str, str.upper, lambda text: quote(text, safe=""), lambda text: text.lstrip("/") + "/"]
)
async def test_a_history_is_found_however_its_address_is_spelled(api: Api, kinds: Fleet, spell: Any) -> None:
    reply = await api.get("compliance/applications/" + spell(f"{application_id('sound')}/history"))

    assert (reply.status, len(reply.json["runs"])) == (200, 3)


async def test_an_application_may_be_called_history(api: Api, fleet: Fleet) -> None:
    fleet.run(hours_ago=1, history=states_of(2, bad()))

    one = (await api.get(f"compliance/applications{application_id('history')}")).json
    over_time = (await api.get(f"compliance/applications{application_id('history')}/history")).json

    assert (one["application"]["name"], one["violations"]["open"]) == ("history", 2)
    assert [point["violations"] for point in over_time["runs"]] == [2]


@pytest.mark.parametrize("name", [application_id("nobody"), "/nu", '/") | union PolicyVerdicts_CL //', ""])
async def test_the_history_of_nobody_is_not_found(api: Api, kinds: Fleet, name: str) -> None:
    reply = await api.get(f"compliance/applications{quote(name)}/history")

    assert (reply.status, reply.json["field"]) == (404, "id")
