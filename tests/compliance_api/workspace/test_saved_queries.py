"""Saved queries as the API asks them: whole, or about one application from the start."""

import pytest

from compliance_api.workspace import saved_queries
from tests.compliance_api.conftest import Api
from tests.queries.fleet import Fleet, application_id, bad, good

NARROWED = ("applications", "assignments", "fleet_summary", "noncompliant_resources", "states_missing")


@pytest.mark.parametrize("name", NARROWED)
def test_a_query_about_one_application_reads_no_others(api: Api, fleet: Fleet, name: str) -> None:
    fleet.run(hours_ago=1, dropped=["alpha", "beta"], alpha=[bad()], beta=[bad()])

    [row] = fleet.workspace.query(saved_queries.text_for(name, application_id("alpha")))

    assert row.get("Applications", 1) == 1
    assert row.get("Application_name", "alpha") == "alpha"


def test_only_what_says_what_stands_can_be_narrowed() -> None:
    with pytest.raises(KeyError):
        saved_queries.text_for("collector_runs", application_id("alpha"))


@pytest.mark.parametrize("text", ['" | take 1 //', "\\", '"; PolicyCollectionRuns_CL //', "\n"])
def test_an_id_is_a_text_whatever_it_holds(api: Api, fleet: Fleet, text: str) -> None:
    fleet.run(hours_ago=1, alpha=[good()])

    assert fleet.workspace.query(saved_queries.text_for("applications", text)) == []
