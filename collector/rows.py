"""Policy state -> table row; result row; run row.

The columns are declared in infra/tables only; tests compare these builders with them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from publisher.resource_ids import fold

if TYPE_CHECKING:
    from collector.outcomes import ApplicationResult, Run, RunSummary
    from collector.policy_states import PolicyState
    from publisher.registry import ManagedApplication

Row = dict[str, Any]

MOST_CACHED_POLICIES: Final = 1024
"""Policies whose columns are kept at hand for one application: thousands of states share a handful of policies."""

_VERDICTS: Final = {"compliant": True, "exempt": True, "noncompliant": False}


def is_compliant(compliance_state: str | None) -> bool | None:
    """Return the three-valued verdict of a complianceState.

    True for Compliant and Exempt, False for NonCompliant, None for Unknown, Error, Conflict, Protected, a missing
    state and whatever Azure invents next: none of them may count as compliant.
    """
    return None if compliance_state is None else _VERDICTS.get(compliance_state.lower())


class StateRows:
    """Builds the PolicyComplianceStates_CL rows of one application in one run."""

    def __init__(self, application: ManagedApplication, run: Run) -> None:
        self._constant: Row = {
            "TimeGenerated": run.time_generated,
            "Run_id": run.run_id,
            "Application_id": str(application.application_id),
            "Application_name": application.application_id.name,
            "Customer_name": application.customer_name,
            "Customer_subscription_id": application.application_id.subscription_id,
            "Managed_resource_group_id": str(application.managed_resource_group_id),
            "Plan_name": application.plan_name,
            "Plan_version": application.plan_version,
        }
        assignments = application.assignments or ()
        self._assignment_names = {fold(assignment.id): assignment.display_name for assignment in assignments}
        self._definition_names = {
            fold(assignment.definition_id): assignment.definition_display_name
            for assignment in assignments
            if assignment.definition_id
        }

        self._policy = lru_cache(maxsize=MOST_CACHED_POLICIES)(self._policy_columns)

    def row(self, state: PolicyState) -> Row:
        """Return the row of one policy state."""
        return {
            **self._constant,
            **self._policy(
                state.assignment_id,
                state.assignment_name,
                state.definition_id,
                state.definition_name,
                state.definition_reference_id,
                state.set_definition_id,
                state.effect,
            ),
            "Resource_id": state.resource_id,
            "Resource_type": without_leading_slash(state.resource_type),
            "Resource_location": state.resource_location,
            "Compliance_state": state.compliance_state,
            "Is_compliant": is_compliant(state.compliance_state),
            "Resource_count": 1,
            "Evaluated_at": state.timestamp,
        }

    def summary_row(self, state: PolicyState, count: int, evaluated_at: str | None) -> Row:
        """Return the one row that stands for ``count`` compliant resources like that of ``state``."""
        summary = state._replace(resource_id=None, resource_type=None, resource_location=None, timestamp=evaluated_at)
        return {**self.row(summary), "Resource_count": count}

    def _policy_columns(  # noqa: PLR0917 - the key of a cache, in the order of the columns
        self,
        assignment_id: str | None,
        assignment_name: str | None,
        definition_id: str | None,
        definition_name: str | None,
        definition_reference_id: str | None,
        set_definition_id: str | None,
        effect: str | None,
    ) -> Row:
        assignment_id = lowered(assignment_id)
        definition_id = lowered(definition_id)
        return {
            "Policy_assignment_id": assignment_id,
            "Policy_assignment_name": assignment_name,
            "Policy_assignment_display_name": self._assignment_names.get(assignment_id or "") or assignment_name,
            "Policy_definition_id": definition_id,
            "Policy_definition_name": definition_name,
            "Policy_definition_display_name": self._definition_names.get(definition_id or ""),
            "Policy_definition_reference_id": definition_reference_id or None,
            "Policy_set_definition_id": lowered(set_definition_id),
            "Policy_effect": effect,
        }


def lowered(resource_id: str | None) -> str | None:
    """Return the stored form of a policy id; null and the empty string both mean "none" (FACTS 2.5)."""
    return fold(resource_id) if resource_id else None


def without_leading_slash(resource_type: str | None) -> str | None:
    """Return ``Microsoft.Storage/storageAccounts`` also for the form with a leading slash (FACTS 2.4)."""
    return resource_type.lstrip("/") if resource_type else None


def result_row(result: ApplicationResult, run: Run) -> Row:
    """Return the PolicyCollectionResults_CL row of one application."""
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
    }


def run_row(summary: RunSummary, version: str) -> Row:
    """Return the PolicyCollectionRuns_CL row: the heartbeat, and the sign that the run went through the whole fleet."""
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
    }
