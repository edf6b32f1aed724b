"""Error budgets of plan versions: what burns them, and the time of which nobody knows, which burns nothing silently."""

import csv
import io
from typing import Any

import pytest

from tests.compliance_api.conftest import Api
from tests.queries.fleet import Fleet, bad, good

PLANS = "compliance/plans"
NO_HOURS = {
    "total": 0, "compliant": 0, "noncompliant": 0, "unread": 0, "not_evaluated": 0, "not_reported": 0, "no_run": 0,
}  # fmt: skip


async def budgets(api: Api, **parameters: Any) -> dict[str, Any]:
    reply = await api.get(PLANS, **parameters)
    assert reply.status == 200, reply.body
    return {one["plan"]["version"]: one["error_budget"] for one in reply.json["plans"]}


@pytest.fixture
def gold(fleet: Fleet) -> Fleet:
    fleet.plans = {"alpha": ("gold", "1"), "beta": ("gold", "1"), "gamma": ("gold", "2")}
    return fleet


async def test_time_that_was_read_as_noncompliant_burns_the_budget_of_its_version(api: Api, gold: Fleet) -> None:
    gold.run(hours_ago=3, alpha=[good()], beta=[bad()], gamma=[good()])
    gold.run(hours_ago=2, alpha=[good()], beta=[bad()], gamma=[good()])
    gold.run(hours_ago=1, alpha=[good()], beta=[good()], gamma=[good()])

    found = await budgets(api, objective=50)

    assert found["1"]["application_hours"] == NO_HOURS | {"total": 6, "compliant": 4, "noncompliant": 2}
    assert (found["1"]["allowed_hours"], found["1"]["remaining_share"], found["1"]["state"]) == (3, 33.3, "within")
    assert (found["2"]["application_hours"]["noncompliant"], found["2"]["remaining_share"]) == (0, 100)
    assert found["1"]["period"] == {"from": "2026-03-10T09:00:00Z", "until": "2026-03-10T12:00:00Z"}
    exhausted = (await budgets(api))["1"]
    assert (exhausted["objective"], exhausted["state"], exhausted["remaining_share"] < 0) == (99, "exhausted", True)


@pytest.mark.parametrize(
    ("result", "kind"),
    [("AccessDenied", "unread"), ("Failed", "unread"), ([], "not_evaluated"), (None, "not_reported")],
)
async def test_time_of_which_nobody_knows_burns_nothing_and_is_told(
    api: Api, gold: Fleet, result: Any, kind: str
) -> None:
    gold.run(hours_ago=3, alpha=[good()], beta=[good()])
    gold.run(hours_ago=1, registered=2, alpha=[good()], **({} if result is None else {"beta": result}))

    found = (await budgets(api))["1"]

    assert found["application_hours"] == NO_HOURS | {"total": 6, "compliant": 5, kind: 1}
    assert (found["remaining_share"], found["state"]) == (100, "not_known")
    assert found["remaining_share_if_unknown_was_bad"] < 0
    assert (await budgets(api, objective=50))["1"]["state"] == "within"


async def test_a_silent_collector_is_time_of_which_nobody_knows(api: Api, gold: Fleet) -> None:
    gold.run(hours_ago=10, alpha=[good()], beta=[bad()])
    gold.run(hours_ago=1, alpha=[good()], beta=[good()])

    hours = (await budgets(api))["1"]["application_hours"]

    assert hours == NO_HOURS | {"total": 20, "compliant": 4.5, "noncompliant": 2.5, "no_run": 13}


async def test_who_has_left_burns_nothing_any_more(api: Api, gold: Fleet) -> None:
    gold.run(hours_ago=3, alpha=[good()], beta=[bad()])
    gold.run(hours_ago=2, registered=1, alpha=[good()], beta="Left")
    gold.run(hours_ago=1, registered=1, alpha=[good()])

    assert (await budgets(api))["1"]["application_hours"] == NO_HOURS | {"total": 4, "compliant": 3, "noncompliant": 1}


async def test_a_period_begins_with_what_stood_before_it(api: Api, gold: Fleet) -> None:
    gold.run(hours_ago=4, alpha=[bad()])
    gold.run(hours_ago=2, alpha=[good()])

    for timespan in ("PT3H", "2026-03-10T09:00:00Z/PT3H"):
        found = (await budgets(api, timespan=timespan))["1"]
        assert found["application_hours"] == NO_HOURS | {"total": 3, "compliant": 2, "noncompliant": 1}
        assert found["period"]["from"] == "2026-03-10T09:00:00Z"


async def test_a_version_that_no_run_of_the_period_tells_of_has_no_figures(api: Api, gold: Fleet) -> None:
    gold.run(hours_ago=1, alpha=[bad()])

    found = (await budgets(api, timespan="2026-03-01/2026-03-02"))["1"]

    assert (found["application_hours"], found["remaining_share"], found["state"]) == (NO_HOURS, None, "not_known")


async def test_the_budget_is_in_the_export(api: Api, gold: Fleet) -> None:
    gold.run(hours_ago=1, alpha=[bad()], beta=[good()])

    reply = await api.get(PLANS, format="csv")

    [line] = csv.DictReader(io.StringIO(reply.body.decode("utf-8-sig")))
    assert (line["error_budget_state"], line["error_budget_objective"]) == ("exhausted", "99.0")


@pytest.mark.parametrize(
    "objective", ["", "1", "49.9", "100", "99.9999", "ninety", "\uff19\uff19", "99.", "-99", "1e1", "nan"]
)
async def test_an_objective_that_is_none_is_refused_by_its_name(api: Api, gold: Fleet, objective: str) -> None:
    reply = await api.get(PLANS, objective=objective)

    assert (reply.status, reply.json["field"]) == (400, "objective")
