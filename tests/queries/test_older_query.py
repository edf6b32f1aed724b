"""The query of the older public sample still runs over the states, and says what it said."""

from sandbox.workspace.workspace import Workspace
from tests.queries.fleet import Fleet, bad, good

OLDER_QUERY = (
    "PolicyComplianceStates_CL | summarize arg_max(TimeGenerated,*) by Policy_assignment_id | where Is_compliant==false"
)


def test_the_older_samples_query_names_the_assignments_whose_latest_state_is_bad(
    fleet: Fleet, workspace: Workspace
) -> None:
    assert workspace.query(OLDER_QUERY) == []
    fleet.run(hours_ago=2, alpha=[bad()], beta=[bad()])
    fleet.run(hours_ago=1, alpha=[bad()], beta=[good()])

    rows = workspace.query(OLDER_QUERY)

    assert [(row["Application_name"], row["Policy_assignment_name"]) for row in rows] == [("alpha", "baseline")]
