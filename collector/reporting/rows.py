"""Builds the rows of policy states, of results and of runs.

Their columns are declared in infra/tables; tests compare the rows with them.
"""

from __future__ import annotations

from datetime import timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, NamedTuple

import orjson

from collector.reporting.outcomes import iso_milliseconds
from collector.reporting.serialised import Row, encoded
from publisher.resource_ids import fold
from publisher.texts import printable

if TYPE_CHECKING:
    from datetime import datetime

    from collector.reporting.outcomes import ApplicationResult, Run, RunSummary
    from collector.reporting.states import Evaluation, Policy, Text
    from registry.managed_application import ManagedApplication


LATE: Final = timedelta(minutes=90)
"""How long after two intervals without a run row the collector counts as silent."""


class PolicyRows(NamedTuple):
    """What one policy contributes to the rows of an application's states."""

    assignment_id: str
    """Folded, for comparing."""
    assignment_name: str
    """The assignment's display name, or else its name."""
    key: tuple[str, ...]
    """Assignment, reference and definition, folded: compliant resources with the same key are summarised."""
    head: bytes
    """The row's JSON up to the columns of the resource."""
    fingerprint: int
    """Of the same columns but those of the run."""


class StateRows:
    """Builds the PolicyComplianceStates_CL rows of one application in one run.

    A row is built as JSON text, so that the columns of an application and a policy are serialised once.
    """

    def __init__(self, application: ManagedApplication, run: Run) -> None:
        self._group_id = str(application.managed_resource_group_id)
        self._of_run: Row = {"TimeGenerated": run.time_generated, "Run_id": run.run_id}
        self._constant: Row = {
            "Application_id": str(application.application_id),
            "Application_name": application.application_id.name,
            "Customer_name": application.customer_name,
            "Customer_subscription_id": application.application_id.subscription_id,
            "Managed_resource_group_id": self._group_id,
            "Plan_name": application.plan_name,
            "Plan_version": application.plan_version,
        }
        assignments = application.assignments or ()
        self._assignment_names = {fold(assignment.id): assignment.display_name for assignment in assignments}
        self._definition_names = dict(application.definition_names) | {
            fold(assignment.definition_id): assignment.definition_display_name
            for assignment in assignments
            if assignment.definition_id
        }

    def policy(self, policy: Policy) -> PolicyRows:
        """Return what a policy contributes to its states' rows."""
        assignment_id, definition_id = lowered(policy.assignment_id), lowered(policy.definition_id)
        assignment_name = self._assignment_names.get(assignment_id or "") or printable(policy.assignment_name or "")
        columns = self._constant | {
            "Policy_assignment_id": assignment_id,
            "Policy_assignment_name": policy.assignment_name,
            "Policy_assignment_display_name": assignment_name or None,
            "Policy_definition_id": definition_id,
            "Policy_definition_name": policy.definition_name,
            "Policy_definition_display_name": self._definition_names.get(definition_id or ""),
            "Policy_definition_reference_id": policy.definition_reference_id or None,
            "Policy_set_definition_id": lowered(policy.set_definition_id),
            "Policy_effect": policy.effect,
        }
        return PolicyRows(
            assignment_id=assignment_id or "",
            assignment_name=assignment_name,
            key=(assignment_id or "", fold(policy.definition_reference_id or ""), definition_id or ""),
            head=encoded(self._of_run | columns)[:-1] + b",",
            fingerprint=fingerprint_of(encoded(columns)),
        )


def state_row(policy: PolicyRows, state: Evaluation | tuple[Text, ...], verdict: bool | None, count: int = 1) -> bytes:  # noqa: FBT001
    """Return the row of one policy state, or of ``count`` summarised ones; ``state`` is as in Evaluation."""
    timestamp, resource_id, resource_type, location, compliance_state = state
    return (
        policy.head
        + orjson.dumps(
            {
                "Resource_id": resource_id,
                # Some answers carry a leading slash (FACTS 2.4).
                "Resource_type": resource_type.lstrip("/") if resource_type else None,
                "Resource_location": location,
                "Compliance_state": compliance_state,
                "Is_compliant": verdict,
                "Resource_count": count,
                "Evaluated_at": timestamp,
            }
        )[1:]
    )


def fingerprint_of(content: bytes) -> int:
    """Return a number below 2**64 that stands for the content, in every process."""
    return int.from_bytes(blake2b(content, digest_size=8).digest())


def lowered(resource_id: str | None) -> str | None:
    """Return the stored form of a policy id; null and the empty string both mean "none" (FACTS 2.5)."""
    return fold(resource_id) if resource_id else None


def result_row(result: ApplicationResult, run: Run, columns: Row) -> Row:
    """Return the PolicyCollectionResults_CL row of one application; `columns` are those that the ledger tells."""
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
    }
