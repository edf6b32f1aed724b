"""Writes two weeks of collection runs of many customers straight into the workspace's tables.

For the tests and the picture of the operations page.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sandbox.world.sample_checks import check_states, check_verdict, is_checked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sandbox.clock import Clock
    from sandbox.workspace.workspace import Workspace

HOURS_AGO = (300, 200, 100, 24, 0)
ASSIGNMENTS = (
    ("secure-transfer", "Storage accounts accept encrypted connections only", "storageAccounts"),
    ("private-endpoints", "Key vaults are reached through private endpoints", "vaults"),
)
SEVERITIES = ("High", "Medium")
"""How severe a violation of each is."""

DUE_AFTER = {"High": timedelta(days=7), "Medium": timedelta(days=30)}
"""As where no operator settled anything else."""

TYPES = {"storageAccounts": "Microsoft.Storage", "vaults": "Microsoft.KeyVault"}
FIRST = ("Contoso", "Fabrikam", "Northwind", "Tailspin", "Adventure", "Litware", "Proseware", "Wingtip", "Woodgrove")
SECOND = ("Retail", "Bank", "Logistics", "Health", "Energy", "Media", "Foods", "Insurance", "Labs", "Travel")
UNREADABLE = {
    "AccessDenied": ("AuthorizationFailed", "The publisher has no permission on the managed resource group"),
    "NotFound": ("ResourceGroupNotFound", "The managed resource group does not exist, or is not visible"),
    "Throttled": ("TooManyRequests", "Azure limited the rate of requests until the run's deadline"),
}

_RARE = 90
"""One customer in so many has an assignment that was weakened, and one an exemption."""

ASSIGNED = "/providers/microsoft.authorization/policyassignments"


class SampleFleet:
    """Customers by number; the outcome of each in each run is random, with a fixed seed."""

    def __init__(
        self,
        customers: int,
        *,
        now: datetime | None = None,
        hours_ago: Sequence[float] = HOURS_AGO,
        lost: float = 0.012,
    ) -> None:
        self.customers = customers
        latest = (now or datetime.now(UTC)) - timedelta(minutes=20)
        self.times = [latest - timedelta(hours=hours) for hours in hours_ago]
        self._chance = random.Random(20260310)  # noqa: S311 - a fleet, not a secret
        self._bad_from = [self._turn(0.07) for _ in range(customers)]
        self._lost_from = [self._turn(lost) for _ in range(customers)]
        self._empty = [self._chance.random() < 0.01 for _ in range(customers)]  # noqa: PLR2004
        places = [(customer, customer % len(ASSIGNMENTS)) for customer in range(customers)]
        self._weakened = set(places[67::_RARE])
        self._exempted = set(places[31::_RARE])
        self._outcomes = [self._chance.choice(list(UNREADABLE)) for _ in range(customers)]

    def _turn(self, share: float) -> int:
        """Return the run from which something is so, with probability `share`; else the number of runs: never."""
        runs = len(self.times)
        return self._chance.randrange(runs) if self._chance.random() < share else runs

    def fill(self, workspace: Workspace, clock: Clock) -> None:
        """Write every run, each at its time; the state rows of the latest ones only, which are all that is judged."""
        for number, time in enumerate(self.times):
            clock.stop(time)
            results = [self._result(customer, number) for customer in range(self.customers)]
            self._insert(workspace, "PolicyCollectionResults_CL", results, time)
            run = {"Run_id": f"run-{number}", "Trigger": "timer", "Version": "1.0.0", "Applications": self.customers}
            counts = {
                "Succeeded": sum(row["Outcome"] in ("Succeeded", "NoStates") for row in results),
                "Failed": sum(row["Outcome"] in UNREADABLE for row in results),
                "States": sum(row["States"] or 0 for row in results),
                "Noncompliant_states": sum(row["Noncompliant_states"] or 0 for row in results),
                "Uploaded_rows": 4 * self.customers,
                "Rejected_rows": 0,
                "Duration_ms": 31_400 + 700 * number,
            }
            self._insert(workspace, "PolicyCollectionRuns_CL", [{**run, **counts}], time)
            if self.times[-1] - time <= timedelta(days=1):
                self._insert(workspace, "PolicyComplianceStates_CL", list(self._states(number)), time)
        self._insert(workspace, "PolicyVerdicts_CL", list(self._verdicts()), self.times[-1])
        clock.reset()

    def _insert(self, workspace: Workspace, table: str, rows: list[dict[str, Any]], time: datetime) -> None:
        workspace.insert(table, [{"TimeGenerated": time.isoformat(), **row} for row in rows])

    def _result(self, customer: int, run: int) -> dict[str, Any]:
        row = {"Run_id": f"run-{run}", **self._application(customer), **self._standing(customer, run)}
        if run >= self._lost_from[customer]:
            outcome = self._outcomes[customer]
            code, message = UNREADABLE[outcome]
            alarm = f"unread-{customer}" if run > self._lost_from[customer] else ""
            return {**row, "Outcome": outcome, "Error_code": code, "Error_message": message, "States": 0,
                    "Noncompliant_states": 0, "Unread_alarm_key": alarm}  # fmt: skip
        if self._empty[customer]:
            return {**row, "Outcome": "NoStates", "States": 0, "Noncompliant_states": 0}
        violations = self._violations(customer) if run >= self._bad_from[customer] else 0
        return {**row, "Outcome": "Succeeded", "States": 40 + violations, "Noncompliant_states": violations}

    def _last_read(self, customer: int, run: int) -> int:
        """Return the run that last read a customer as of `run`; -1: none ever did."""
        return min(run, self._lost_from[customer] - 1)

    def _open(self, customer: int, run: int) -> int:
        """Return how many violations are open as of `run`."""
        read = self._last_read(customer, run)
        return self._violations(customer) if read >= self._bad_from[customer] and not self._empty[customer] else 0

    def _plan(self, customer: int) -> dict[str, str]:
        return {
            "Customer_name": self.name(customer),
            "Plan_name": "standard" if customer % 4 else "premium",
            "Plan_version": f"2.{customer % 3}.0",
        }

    def _standing(self, customer: int, run: int) -> dict[str, Any]:
        """What the ledger adds to a customer's result."""
        read = self._last_read(customer, run)
        if read < 0:
            compliance = "NotRead"
        elif self._open(customer, run):
            compliance = "NonCompliant"
        else:
            compliance = "NoStates" if self._empty[customer] else "Compliant"
        return {
            **self._plan(customer),
            "Compliance": compliance,
            "Last_read": self.times[read].isoformat() if read >= 0 else None,
            "Unread_since": self.times[self._lost_from[customer]].isoformat() if read < run else None,
        }

    def _verdicts(self) -> Iterator[dict[str, Any]]:
        """What stands about every assignment after the last run."""
        last = len(self.times) - 1
        for customer in range(self.customers):
            read, violations = self._last_read(customer, last), self._open(customer, last)
            if read < 0 or self._empty[customer]:
                continue
            application = self._application(customer)
            group = application["Managed_resource_group_id"]
            for place, (name, display_name, _) in enumerate(ASSIGNMENTS):
                bad = violations if place == customer % len(ASSIGNMENTS) else 0
                yield {
                    **application,
                    **self._plan(customer),
                    "Run_id": f"run-{last}",
                    "Policy_assignment_id": f"{group}{ASSIGNED}/{name}".lower(),
                    "Policy_assignment_name": name,
                    "Policy_assignment_display_name": display_name,
                    "Policy_definition_id": f"/providers/microsoft.authorization/policydefinitions/{name}",
                    "Verdict": "NonCompliant" if bad else "Compliant",
                    "Since": self.times[self._bad_from[customer] if bad else 0].isoformat(),
                    "Current": read == last,
                    "Expected": True,
                    **self._life(customer, place, is_open=bool(bad)),
                    "Held_reason": "Unread" if bad and read < last else "",
                    "Held_since": self.times[read + 1].isoformat() if bad and read < last else None,
                    "Noncompliant_states": bad,
                    "Compliant_states": 40,
                    "Exempt_states": 0,
                    "Unknown_states": 0,
                    "Resource_ids": "[]",
                    "Alarm_key": f"violations-{customer}" if bad else "",
                    **self._guard(customer, place),
                    "Last_read": self.times[read].isoformat(),
                    "States_id": f"run-{read}",
                    "States_time": self.times[read].isoformat(),
                }
            if is_checked(customer) and read == last:
                common = {**application, **self._plan(customer), "Run_id": f"run-{last}"}
                yield check_verdict(customer, common, last, self.times[last], self.times[1])

    def _life(self, customer: int, place: int, *, is_open: bool) -> dict[str, Any]:
        """How severe a violation of an assignment is, and where one is open, its due date and version."""
        severity = SEVERITIES[place]
        if not is_open:
            return {"Severity": severity}
        due_by = self.times[self._bad_from[customer]] + DUE_AFTER[severity]
        version = self._plan(customer)["Plan_version"] if customer % 5 else "1.9.0"
        return {"Severity": severity, "Due_by": due_by.isoformat(), "Opened_in_version": version}

    def _guard(self, customer: int, place: int) -> dict[str, Any]:
        """How an assignment compares with its baseline: a few were weakened, a few have an exemption."""
        times, last = self.times, self.times[-1]
        if (customer, place) in self._weakened:
            differs = {"Guard": "Weakened", "Guard_details": "effect is Disabled instead of Audit"}
            return {**differs, "Guard_since": times[-2:][0].isoformat(), "Guard_alarm_key": f"guard-{customer}"}
        if (customer, place) in self._exempted:
            expiry = last + timedelta(days=3 + customer % 40)
            exemption = {
                "Exemption_category": "Waiver",
                "Exemption_created_by": "ada@example.com",
                "Exemptions": 1,
            }
            return {"Guard": "Intact", **exemption, "Exemption_expires_at": expiry.isoformat()}
        return {"Guard": "Intact"}

    def _states(self, run: int) -> Iterator[dict[str, Any]]:
        for customer in range(self.customers):
            if self._empty[customer] or run >= self._lost_from[customer]:
                continue
            violations = self._violations(customer) if run >= self._bad_from[customer] else 0
            for place, (name, display_name, kind) in enumerate(ASSIGNMENTS):
                bad = violations if place == customer % len(ASSIGNMENTS) else 0
                yield self._state(customer, run, (name, display_name), "Compliant", count=40)
                for resource in range(bad):
                    path = f"providers/{TYPES[kind]}/{kind}/{kind[:2].lower()}{customer:05}x{resource:02}"
                    yield self._state(customer, run, (name, display_name), "NonCompliant", path=path)
            if is_checked(customer):
                common = {**self._application(customer), **self._plan(customer), "Run_id": f"run-{run}"}
                yield from check_states(customer, common, self.times[run])

    def _violations(self, customer: int) -> int:
        return 1 + customer * 7 % 23

    def _state(
        self,
        customer: int,
        run: int,
        assignment: tuple[str, str],
        compliance: str,
        *,
        path: str | None = None,
        count: int = 1,
    ) -> dict[str, Any]:
        name, display_name = assignment
        application = self._application(customer)
        group = application["Managed_resource_group_id"]
        return {
            **application,
            "Run_id": f"run-{run}",
            **self._plan(customer),
            "Policy_assignment_id": f"{group}/providers/microsoft.authorization/policyassignments/{name}".lower(),
            "Policy_assignment_name": name,
            "Policy_assignment_display_name": display_name,
            "Policy_definition_id": f"/providers/microsoft.authorization/policydefinitions/{name}",
            "Policy_definition_name": name,
            "Policy_definition_display_name": display_name,
            "Policy_effect": "audit",
            "Resource_id": f"{group}/{path}" if path else None,
            "Resource_type": "/".join(path.split("/")[1:3]) if path else None,
            "Resource_location": "westeurope" if path else None,
            "Compliance_state": compliance,
            "Is_compliant": compliance == "Compliant",
            "Resource_count": count,
            "Evaluated_at": (self.times[run] - timedelta(hours=3)).isoformat(),
        }

    def _application(self, customer: int) -> dict[str, str]:
        subscription = str(UUID(int=0xC0FFEE << 100 | customer))
        name = f"secure-analytics-{customer:05}"
        group = f"/subscriptions/{subscription}/resourceGroups/apps"
        return {
            "Application_id": f"{group}/providers/Microsoft.Solutions/applications/{name}",
            "Application_name": name,
            "Customer_subscription_id": subscription,
            "Managed_resource_group_id": f"/subscriptions/{subscription}/resourceGroups/mrg-{name}",
        }

    def name(self, customer: int) -> str:
        """The customer's name."""
        ring, place = divmod(customer, len(FIRST) * len(SECOND))
        first, second = FIRST[place % len(FIRST)], SECOND[place // len(FIRST)]
        return f"{first} {second}" + (f" {ring + 1}" if ring else "")
