"""The handler for GET /api/metrics: the fleet and the collector as gauges, for Prometheus and Grafana."""

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from compliance_api.endpoint import Context
from compliance_api.fleet import findings
from compliance_api.fleet.fleet import Checks, Fleet, LastKnown, Run, Severity, Status, age_seconds
from compliance_api.http import Answer, Request
from compliance_api.prometheus.open_metrics import MEDIA_TYPE, Exposition, Family
from publisher.texts import moment_in

if TYPE_CHECKING:
    from collections.abc import Mapping

FAMILIES: Final = (
    Family("compliance_run_known", "Whether a collection run was ever completed; with 0 nothing else is known."),
    Family("compliance_run_timestamp_seconds", "Start of the latest completed run.", unit="seconds"),
    Family("compliance_run_age_seconds", "How long ago the latest completed run started.", unit="seconds"),
    Family("compliance_run_stale", "Whether the latest run is older than it should be: 1 means a silent collector."),
    Family("compliance_run_duration_seconds", "How long the latest run took.", unit="seconds"),
    Family("compliance_run_slowest_application_seconds", "Time of its slowest application.", unit="seconds"),
    Family(
        "compliance_run_applications",
        "Applications that the latest run went through, by how reading went.",
        ("outcome",),
    ),
    Family("compliance_run_rejected_rows", "Rows of the latest run that could not be uploaded."),
    Family("compliance_applications", "Registered applications by status, which add up to all of them.", ("status",)),
    Family("compliance_unread_applications", "Unread applications by what was last known.", ("last_known",)),
    Family("compliance_oldest_read_timestamp_seconds", "When the one read longest ago was read.", unit="seconds"),
    Family("compliance_oldest_read_age_seconds", "How long ago that was.", unit="seconds"),
    Family("compliance_open_findings", "What is in trouble, by severity of its alert rule.", ("severity",)),
    Family("compliance_overdue_findings", "Findings open for too long, by how severe they are.", ("severity",)),
    Family("compliance_open_violations", "Open violations of all applications, as far as they are known."),
    Family(
        "compliance_checked_applications",
        "Applications that checks of the publisher's own judge, by what they found.",
        ("checks",),
    ),
    Family("compliance_check_violations", "Open violations that the publisher's own checks found."),
    Family("compliance_credential_expiry_timestamp_seconds", "When the credential expires.", unit="seconds"),
    Family("compliance_credential_expiry_remaining_seconds", "Time until then; negative after it.", unit="seconds"),
)
"""Every metric. Names, labels and units stay as they are; new ones may come."""

_OUTCOMES: Final = ("succeeded", "access_denied", "not_found", "blocked", "throttled", "upload_failed", "skipped")
_LOOK_BACK: Final = "P90D"
_RUNS: Final = "P7D"


async def metrics(request: Request, context: Context) -> Answer:
    """Answer with every metric as OpenMetrics text."""
    request.refuse_other_parameters()
    fleet = await context.compliance.fleet()
    found = Exposition(FAMILIES)
    found.add("compliance_run_known", int(fleet.run is not None))
    if fleet.run is not None:
        await _add_run(found, fleet.run, context)
        _add_fleet(found, fleet, context)
        for severity, number in (await _findings(fleet, context)).items():
            found.add("compliance_open_findings", number, severity=severity)
        await _add_credential(found, context)
    return Answer(found.text(), media_type=MEDIA_TYPE)


async def _add_run(found: Exposition, run: Run, context: Context) -> None:
    age = age_seconds(run, context.now) or 0
    found.add("compliance_run_timestamp_seconds", run.time.timestamp())
    found.add("compliance_run_age_seconds", age)
    found.add("compliance_run_stale", int(age > context.settings.stale_after.total_seconds()))
    rows = await context.compliance.runs(_RUNS)
    row: Mapping[str, Any] = next((one for one in rows if one["Run_id"] == run.id), {})
    found.add("compliance_run_duration_seconds", _seconds(row.get("Duration_ms")))
    found.add("compliance_run_slowest_application_seconds", _seconds(row.get("Slowest_application_ms")))
    found.add("compliance_run_rejected_rows", row.get("Rejected_rows"))
    for outcome in _OUTCOMES:
        found.add("compliance_run_applications", row.get(outcome.capitalize()), outcome=outcome)


def _add_fleet(found: Exposition, fleet: Fleet, context: Context) -> None:
    statuses = Counter(one.status for one in fleet.applications)
    last_known = Counter(one.last_known for one in fleet.unread())
    for status in Status:
        found.add("compliance_applications", statuses[status], status=status.value)
    for known in LastKnown:
        found.add("compliance_unread_applications", last_known[known], last_known=known.value)
    for severity in Severity:
        found.add("compliance_overdue_findings", fleet.overdue(severity), severity=severity.value)
    found.add("compliance_open_violations", fleet.states("noncompliant"))
    checked = [one.checks for one in fleet.applications if one.checks is not None]
    said = Counter(_said_by(one) for one in checked)
    for word in ("noncompliant", "doubtful", "compliant"):
        found.add("compliance_checked_applications", said[word], checks=word)
    found.add("compliance_check_violations", sum(one.violations for one in checked))
    oldest = min((one.last_read for one in fleet.applications if one.last_read is not None), default=None)
    if oldest is not None:
        found.add("compliance_oldest_read_timestamp_seconds", oldest.timestamp())
        found.add("compliance_oldest_read_age_seconds", max(0.0, (context.now - oldest).total_seconds()))


def _said_by(checks: Checks) -> str:
    return "noncompliant" if checks.noncompliant else "doubtful" if checks.doubtful else "compliant"


async def _findings(fleet: Fleet, context: Context) -> dict[str, int]:
    """Return how many findings there are of each severity that a rule has."""
    rows = (await context.compliance.saved("findings", _LOOK_BACK, fleet.run)).complete("Kind").as_dicts()
    found = findings.FindingFilter.parse({}).of(rows, context.settings.portal)
    told: dict[str, int] = findings.counts(found)["by_severity"]
    return told


async def _add_credential(found: Exposition, context: Context) -> None:
    table = await context.compliance.saved("credential_expiry", _LOOK_BACK, None)
    rows = table.complete("Credential_expires_at").as_dicts()
    expiry = moment_in(str(rows[0]["Credential_expires_at"])) if rows else None
    if expiry is not None:
        found.add("compliance_credential_expiry_timestamp_seconds", expiry.timestamp())
        found.add("compliance_credential_expiry_remaining_seconds", (expiry - context.now).total_seconds())


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
