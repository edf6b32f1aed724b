"""Builds the rows of policy states, of results and of runs.

Their columns are declared in infra/tables; tests compare the rows with them.
"""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

import orjson
from xxhash import xxh3_64_intdigest

from collector.reporting.serialised import Row, encoded
from collector.reporting.states import Definition
from publisher.resource_ids import fold
from publisher.texts import iso_milliseconds, printable
from verdicts.publisher_checks.ids import JudgedBy

if TYPE_CHECKING:
    from datetime import datetime

    from collector.reporting.outcomes import ApplicationResult, Run, RunSummary
    from collector.reporting.states import Assignment, Sighting
    from publisher.policy_states.state import Text as TextAsSent
    from registry.managed_application import ManagedApplication
    from verdicts.evidence import AssignmentEvidence


LATE: Final = timedelta(minutes=90)
"""How long after two intervals without a run row the collector counts as silent."""


MOST_KNOWN_DEFINITIONS: Final = 1024
"""Definitions kept for all applications: those of one plan have the same ones, but for few."""


class AssignmentRows(NamedTuple):
    """What one assignment contributes to the rows of an application's states."""

    id: str
    """Folded, for comparing; "" for none."""
    name: str
    display_name: str
    """The assignment's display name, or else its name."""
    head: bytes
    """The row's JSON up to the columns of the definition."""
    mark: int
    """Of the same columns but those of the run."""


class DefinitionRows(NamedTuple):
    """What one definition contributes to the rows of states, whichever application they are of."""

    key: tuple[str, str]
    """Reference and definition, folded."""
    named: str
    """The folded id of the initiative, or else of the definition; "" for none."""
    is_manual: bool
    columns: bytes
    """The part of the row that is about the definition, but for its display name."""
    content: bytes
    """The key, for marks."""


class PolicyRows(NamedTuple):
    """What one policy contributes to the rows of an application's states."""

    key: tuple[str, str, str]
    """Assignment, reference and definition, folded: compliant resources with the same key are summarised."""
    head: bytes
    """The row's JSON up to the columns of the resource."""
    mark: int
    """Of the same columns but those of the run."""


class StateRows:
    """Builds the PolicyComplianceStates_CL rows of one application in one run.

    A row is built as JSON text, so that the columns of an application, an assignment and a definition are serialised
    once.
    """

    def __init__(self, application: ManagedApplication, run: Run) -> None:
        of_run: Row = {"TimeGenerated": run.time_generated, "Run_id": run.run_id}
        of_application: Row = {
            "Application_id": str(application.application_id),
            "Application_name": application.application_id.name,
            "Customer_name": application.customer_name,
            "Customer_subscription_id": application.application_id.subscription_id,
            "Managed_resource_group_id": str(application.managed_resource_group_id),
            "Plan_name": application.plan_name,
            "Plan_version": application.plan_version,
        }
        self._head = encoded(of_run | of_application)[:-1] + b","
        content = encoded(of_application)
        self._mark = mark_of(content)
        assignments = application.assignments or ()
        self._assignment_names = {fold(assignment.id): assignment.display_name for assignment in assignments}
        self._definition_names = dict(application.definition_names) | {
            fold(assignment.definition_id): assignment.definition_display_name
            for assignment in assignments
            if assignment.definition_id
        }
        self.content = b"\n".join((content, encoded(self._assignment_names), encoded(self._definition_names)))
        """All that rows have of the registry, one part a line."""

    def assignment(self, assignment: Assignment) -> AssignmentRows:
        """Return what an assignment contributes to its states' rows."""
        assignment_id = lowered(assignment.id)
        display_name = self._assignment_names.get(assignment_id or "") or printable(assignment.name or "")
        columns = encoded(
            {
                "Policy_assignment_id": assignment_id,
                "Policy_assignment_name": assignment.name,
                "Policy_assignment_display_name": display_name or None,
                "Judged_by": JudgedBy.AZURE_POLICY.value,
            }
        )[1:-1]
        head, mark = self._head + columns + b",", mark_of(columns, self._mark)
        return AssignmentRows(assignment_id or "", assignment.name or "", display_name, head, mark)

    def policy(self, assignment: AssignmentRows, definition: DefinitionRows) -> PolicyRows:
        """Return what a policy contributes to its states' rows."""
        columns = definition.columns + _display_name_column(self._definition_names.get(definition.key[1]))
        return PolicyRows(
            (assignment.id, *definition.key), assignment.head + columns, mark_of(columns, assignment.mark)
        )

    def check(self, check: AssignmentEvidence) -> PolicyRows:
        """Return what one of the publisher's checks contributes to the rows of what it found."""
        columns = encoded(
            {
                "Policy_assignment_id": check.id,
                "Policy_assignment_name": check.name,
                "Policy_assignment_display_name": check.display_name,
                "Judged_by": JudgedBy.PUBLISHER_CHECK.value,
                "Policy_definition_id": check.definition_id,
                "Policy_definition_name": check.name,
                "Policy_definition_reference_id": None,
                "Policy_set_definition_id": None,
                "Policy_effect": None,
                "Policy_definition_display_name": check.display_name,
            }
        )[1:-1]
        key = check.id, "", check.definition_id
        return PolicyRows(key, self._head + columns + b",", mark_of(columns, self._mark))


@lru_cache(MOST_KNOWN_DEFINITIONS)
def definition_rows(fields: tuple[TextAsSent, ...]) -> DefinitionRows:
    """Return what a definition contributes to its states' rows; `fields` are as in `Definition.of`."""
    definition = Definition.of(fields)
    definition_id, set_definition_id = lowered(definition.id), lowered(definition.set_definition_id)
    key = (fold(definition.reference_id or ""), definition_id or "")
    columns = encoded(
        {
            "Policy_definition_id": definition_id,
            "Policy_definition_name": definition.name,
            "Policy_definition_reference_id": definition.reference_id or None,
            "Policy_set_definition_id": set_definition_id,
            "Policy_effect": definition.effect,
        }
    )
    return DefinitionRows(
        key=key,
        named=set_definition_id or definition_id or "",
        is_manual=(definition.effect or "").lower() == "manual",
        columns=columns[1:-1] + b",",
        content="\n".join(key).encode(),
    )


@lru_cache(MOST_KNOWN_DEFINITIONS)
def _display_name_column(display_name: str | None) -> bytes:
    return encoded({"Policy_definition_display_name": display_name})[1:-1] + b","


def resource_columns(sighting: Sighting, reason: str | None = None) -> bytes:
    """Return the part of a state's row that is about its resource; `reason` is why one of our checks says so."""
    columns = {
        "Resource_id": sighting.resource_id,
        # Some answers carry a leading slash (FACTS 2.4).
        "Resource_type": sighting.resource_type.lstrip("/") if sighting.resource_type else None,
        "Resource_location": sighting.resource_location,
        "Compliance_state": sighting.compliance_state,
        "Is_compliant": sighting.is_compliant,
        "Reason": reason,
    }
    return encoded(columns)[1:-1] + b","


def state_row(policy: PolicyRows, resource: bytes, timestamp: object, count: int = 1) -> bytes:
    """Return the row of one policy state, or of ``count`` summarised ones.

    `resource` is what `resource_columns` makes of the resource; a `timestamp` that is no text is none.
    """
    evaluated_at = timestamp.strip() if isinstance(timestamp, str) else None
    return policy.head + resource + orjson.dumps({"Resource_count": count, "Evaluated_at": evaluated_at})[1:]


def mark_of(content: bytes, seed: int = 0) -> int:
    """Return a number below 2**64 that stands for the content and the seed, in every process.

    It is no secret, and whoever chooses names may find two with one mark. What that hides is a changed row of details,
    until the next turn at which everything is uploaded, and never a violation (`verdicts.publication`).
    """
    return xxh3_64_intdigest(content, seed)


def lowered(resource_id: str | None) -> str | None:
    """Return the stored form of a policy id; null and the empty string both mean "none" (FACTS 2.5)."""
    return fold(resource_id) if resource_id else None


def result_row(result: ApplicationResult, run: Run, columns: Row, *, verdicts: int) -> Row:
    """Return the PolicyCollectionResults_CL row of one application.

    `columns` are those that the ledger tells, and `verdicts` is how many verdict rows about the application the run
    made. A partial run announces them in this row, any other one in its run row.
    """
    return {
        "TimeGenerated": run.time_generated,
        "Run_id": run.run_id,
        "Application_id": result.application_id,
        "Application_name": result.application_name,
        "Customer_subscription_id": result.customer_subscription_id,
        "Managed_resource_group_id": result.managed_resource_group_id,
        "Outcome": result.outcome.value,
        "Error_code": result.error_code,
        "Error_message": result.error_message,
        "States": result.states,
        "Noncompliant_states": result.noncompliant_states,
        "Foreign_states": result.foreign_states,
        "Pages": result.pages,
        "Assignments_expected": result.assignments_expected,
        "Assignments_without_states": result.assignments_without_states,
        "Duration_ms": result.duration_ms,
        "Oldest_evaluation": result.oldest_evaluation,
        "Latest_evaluation": result.latest_evaluation,
        "Partial_run_verdicts": verdicts if run.partial else None,
        **columns,
    }


def run_row(
    summary: RunSummary,
    version: str,
    *,
    interval: timedelta,
    canary_application_id: str = "",
    credential_expires_at: datetime | None = None,
) -> Row:
    """Return the PolicyCollectionRuns_CL row, which says that the run read the whole registry.

    `interval` is the longest time between two runs.
    """
    return {
        "TimeGenerated": summary.run.time_generated,
        "Run_id": summary.run.run_id,
        "Trigger": summary.run.trigger,
        "Version": version,
        "Applications": summary.applications,
        "Succeeded": summary.succeeded,
        "Failed": summary.failed,
        "States": summary.states,
        "Noncompliant_states": summary.noncompliant_states,
        "Uploaded_rows": summary.uploaded_rows,
        "Rejected_rows": summary.rejected_rows,
        "Duration_ms": summary.duration_ms,
        "Due_by": iso_milliseconds(summary.run.started_at + 2 * interval + LATE),
        "Result_rows": summary.result_rows,
        "Verdict_rows": summary.verdict_rows,
        "Open_alarms": summary.open_alarms,
        "Named_alarms": summary.named_alarms,
        "Left": summary.left,
        "Canary_application_id": canary_application_id,
        "Credential_expires_at": iso_milliseconds(credential_expires_at) if credential_expires_at else None,
        "States_withheld": summary.withheld_rows,
    }
