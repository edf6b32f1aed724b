"""Reads the registry and the workspace's tables for the demonstration, and shows them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from sandbox.alerts.rules import QUERIES_DIRECTORY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.demo.display import Display
    from sandbox.installation import Installation

_LATEST_RUN: Final = "PolicyCollectionRuns_CL | top 1 by TimeGenerated desc"
_READ: Final = ("Succeeded", "NoStates")
_STATUSES: Final = {"NonCompliant": "noncompliant", "NoStates": "not_evaluated", "Compliant": "compliant"}
_LATEST: Final = (
    "PolicyVerdicts_CL | where isnotempty(Application_id) "
    "| summarize arg_max(TimeGenerated, *) by Application_id, Policy_assignment_id "
)
_VERDICTS: Final = (
    f"{_LATEST}| where Verdict == 'NonCompliant' or Guard !in ('Intact', 'NotKnown') | order by Customer_name asc"
)
_ACCEPTED: Final = f"{_LATEST}| where isnotnull(Accepted_until) | order by Customer_name asc"
_RESULTS: Final = "PolicyCollectionResults_CL | where Run_id == '{run_id}'"
_STANDING_STATES: Final = """PolicyVerdicts_CL
| where isnotempty(Application_id)
| summarize arg_max(TimeGenerated, States_id) by Application = tolower(Application_id), Policy_assignment_id
| distinct Application, Run_id = States_id
| join kind=inner (PolicyComplianceStates_CL | extend Application = tolower(Application_id)) on Application, Run_id
"""
"""States are uploaded when they changed; the verdicts name the run that uploaded those that stand."""


@dataclass(frozen=True, slots=True)
class RunRows:
    """The latest completed run, its results, and the states that stand of the applications that it read."""

    run: dict[str, Any]
    results: list[dict[str, Any]]
    states: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Tables:
    """Reads tables of an installation and shows them."""

    installation: Installation
    display: Display

    def registry(self) -> list[dict[str, Any]]:
        """Show the registry, and return its rows by application name."""
        rows = sorted(self.installation.registry_rows(), key=lambda row: row["app_name"])
        self.display.table(
            "Table storage: applications",
            ("customer_name", "app_name", "mrg_name", "plan or definition", "policies", "status"),
            [
                (
                    row.get("customer_name", ""),
                    row["app_name"],
                    row["mrg_name"],
                    " ".join((row["plan_name"], row["plan_version"])).strip()
                    or row["definition_id"].rpartition("/")[2],
                    len(orjson.loads(row.get("assignments", "[]"))),
                    row["status"],
                )
                for row in rows
            ],
        )
        return rows

    def latest_run(self) -> RunRows:
        """Show the rows of the latest run (of the states only those that are not compliant), and return all of them."""
        workspace = self.installation.sandbox.workspace
        [run] = workspace.query(_LATEST_RUN) or [{}]
        results = workspace.query(_RESULTS.format(run_id=run.get("Run_id", "")))
        read = {row["Application_id"].lower() for row in results if row["Outcome"] in _READ}
        states = [row for row in workspace.query(_STANDING_STATES) if row["Application"] in read]
        results.sort(key=lambda row: row["Application_name"])
        self._show(
            "PolicyCollectionRuns_CL",
            [run] if run else [],
            "Trigger Applications Succeeded Failed States Noncompliant_states",
        )
        self._show(
            "PolicyCollectionResults_CL", results, "Application_name Outcome States Noncompliant_states Error_code"
        )
        self._show(
            f"PolicyComplianceStates_CL, those that stand, where Is_compliant == false (of {len(states)} rows)",
            [{**row, **_in_words(row)} for row in states if row["Is_compliant"] is False],
            "Customer_name Resource Policy_assignment_display_name Policy",
        )
        return RunRows(run, results, states)

    def latest_run_id(self) -> str | None:
        """Return the id of the latest completed run, None when there is none."""
        rows = self.installation.sandbox.workspace.query(_LATEST_RUN)
        return rows[0]["Run_id"] if rows else None

    def statuses(self) -> dict[str, int]:
        """Return how many customers have each of the API's statuses, and the total."""
        statuses = Counter(
            _STATUSES[row["Compliance"]] if row["Outcome"] in _READ else "unread" for row in self._fleet()
        )
        return {"total": statuses.total()} | {status: statuses[status] for status in (*_STATUSES.values(), "unread")}

    def fleet(self) -> list[dict[str, Any]]:
        """Show what the dashboards' query says about the fleet, and return its rows."""
        rows = self._fleet()
        self._show(
            "The fleet (infra/queries/applications.kql)",
            [{**row, "Last_read": f"{row['Last_read']:%H:%M:%S}" if row["Last_read"] else "never"} for row in rows],
            "Customer_name Application_name Compliance Noncompliant_states Last_read Outcome",
        )
        return rows

    def verdicts(self) -> list[dict[str, Any]]:
        """Show what stands about every assignment that is not plainly in order, and return those rows."""
        rows = self.installation.sandbox.workspace.query(_VERDICTS)
        self._show(
            "PolicyVerdicts_CL, the latest rows, where something is wrong",
            rows,
            "Customer_name Policy_assignment_display_name Verdict Held_reason Guard",
        )
        return rows

    def accepted(self) -> list[dict[str, Any]]:
        """Show what operators have accepted, and return those rows."""
        rows = self.installation.sandbox.workspace.query(_ACCEPTED)
        self._show(
            "PolicyVerdicts_CL, the latest rows, what is accepted",
            [{**row, "Accepted_until": f"{row['Accepted_until']:%Y-%m-%d}"} for row in rows],
            "Customer_name Policy_assignment_display_name Verdict Accepted_by Accepted_until",
        )
        return rows

    def _fleet(self) -> list[dict[str, Any]]:
        query = (QUERIES_DIRECTORY / "applications.kql").read_text(encoding="utf-8")
        return self.installation.sandbox.workspace.query(query)

    def _show(self, title: str, rows: list[dict[str, Any]], columns: str) -> None:
        self.display.table(title, columns.split(), [[row[column] for column in columns.split()] for row in rows])


def _in_words(row: Mapping[str, Any]) -> dict[str, str]:
    """Name the resource, and what it violates: a policy, or the part of an initiative."""
    policy = row["Policy_definition_display_name"] or row["Policy_definition_reference_id"]
    return {"Resource": row["Resource_id"].rpartition("/")[2], "Policy": policy}
