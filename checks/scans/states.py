"""State rows are the many: only drill-downs may read them, and only those of the latest upload of one application."""

from __future__ import annotations

from typing import Final

from checks.scans.scan import EVERY_TABLE, scans

STATES: Final = "PolicyComplianceStates_CL"

DRILL_DOWNS: Final = frozenset({"noncompliant_resources", "states_missing"})
"""The queries in infra/queries that read states; the workbook's drill-downs begin with their blocks."""

CONDITIONS: Final = (
    "isnotempty(Only) and TimeGenerated in (Upload_time, Check_time)",
    "Run_id in (Upload_id, Check_id) and Application_id =~ Only",
)
"""What a drill-down asks for before anything else.

Nothing without an application, then the moments, then the uploads: that of Azure's states, and that of the checks.
"""


def state_problems(query: str, *, is_drill_down: bool) -> list[str]:
    """Return one line for everything that a query reads of states and may not; empty when all is well."""
    found = []
    for scan in scans(query):
        if scan.table == EVERY_TABLE:
            found.append("reads every table, and so the states")
        elif scan.table == STATES and not is_drill_down:
            found.append(f"reads {STATES}, and is no drill-down")
        elif scan.table == STATES and scan.conditions[: len(CONDITIONS)] != CONDITIONS:
            found.append(f"does not ask {STATES} for the latest upload of one application first")
    return found
