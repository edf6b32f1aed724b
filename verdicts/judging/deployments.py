"""Which deployment of an application the facts are about, and what the registry calls it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from publisher.resource_ids import fold
from registry.managed_application import ManagedApplication
from verdicts.facts import ApplicationFacts, Ending, PlanVersion
from verdicts.judging.endings import ended
from verdicts.outcome import Outcome

if TYPE_CHECKING:
    from registry.managed_application import MalformedRow
    from verdicts.evidence import Evidence

MOST_VERSIONS: Final = 20
"""Plan versions remembered of an application: what opened in an older one opened in a version that is not known."""


def described(
    before: ApplicationFacts | None, application: ManagedApplication | MalformedRow, evidence: Evidence
) -> ApplicationFacts:
    """Return the facts with the application's texts as the registry has them; of another deployment, fresh ones."""
    if not isinstance(application, ManagedApplication):
        return _of_malformed(before, application, evidence)
    fresh = _fresh(application, evidence)
    if before is None:
        return fresh
    if is_another_deployment(before, application):
        assignments = {
            key: one if one.ending else ended(one, Ending.LEFT, evidence.started_at)
            for key, one in before.assignments.items()
        }
        return replace(fresh, assignments=assignments)
    return replace(
        before,
        # Of a row that was malformed when the ledger first met it, the group was not known.
        managed_resource_group_id=before.managed_resource_group_id or fresh.managed_resource_group_id,
        customer_name=fresh.customer_name,
        plan_name=fresh.plan_name,
        plan_version=fresh.plan_version,
        versions=_versions(before, fresh),
        departure=None,
    )


def _versions(before: ApplicationFacts, fresh: ApplicationFacts) -> tuple[PlanVersion, ...]:
    """Return the versions that an application had of its present plan; those of another plan tell nothing about it."""
    known = before.versions if fold(before.plan_name) == fold(fresh.plan_name) else ()
    if known and fold(known[-1].version) == fold(fresh.plan_version):
        return known
    return (*known, *fresh.versions)[-MOST_VERSIONS:]


def _fresh(application: ManagedApplication, evidence: Evidence) -> ApplicationFacts:
    identity = application.application_id
    return ApplicationFacts(
        application_id=str(identity),
        customer_subscription_id=identity.subscription_id,
        managed_resource_group_id=str(application.managed_resource_group_id),
        registered_at=application.registered_at,
        application_name=identity.name,
        customer_name=application.customer_name,
        plan_name=application.plan_name,
        plan_version=application.plan_version,
        applied_run=evidence.run_id,
        applied_at=evidence.started_at,
        changed_at=evidence.started_at,
        versions=(PlanVersion(application.plan_version, evidence.started_at),),
    )


def _of_malformed(before: ApplicationFacts | None, row: MalformedRow, evidence: Evidence) -> ApplicationFacts:
    if before is not None and (before.departure is None or before.departure.outcome is not Outcome.LEFT):
        return replace(before, departure=None) if before.departure else before
    identity = row.application_id
    return ApplicationFacts(
        application_id=str(identity or row.name),
        customer_subscription_id=row.subscription_id,
        managed_resource_group_id="",
        registered_at=None,
        application_name=identity.name if identity else row.name,
        customer_name=row.subscription_id,
        plan_name="",
        plan_version="",
        applied_run=evidence.run_id,
        applied_at=evidence.started_at,
        changed_at=evidence.started_at,
    )


def is_another_deployment(before: ApplicationFacts, application: ManagedApplication) -> bool:
    """Tell whether the application was deployed anew under its id since the ledger knew it."""
    if before.departure is not None and before.departure.outcome is Outcome.LEFT:
        return True
    group = before.managed_resource_group_id
    if group and fold(group) != fold(str(application.managed_resource_group_id)):
        return True
    # An earlier time is that of a registry that was restored: the ledger has seen a later deployment.
    known, now = before.registered_at, application.registered_at
    return now is not None and (known is None or now > known)
