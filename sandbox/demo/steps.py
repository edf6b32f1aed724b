"""The steps that chapters are made of: each does something, shows it, and checks it."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any, Final

from sandbox.alerts.deliveries import Delivery, still_active
from sandbox.demo.api import expect_api
from sandbox.demo.break_in import expect_borders
from sandbox.demo.checks import states_in_azure, states_in_rows
from sandbox.demo.operator import operate
from sandbox.demo.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sandbox.demo.checks import Checks
    from sandbox.demo.display import Display
    from sandbox.functions.process import Answer
    from sandbox.installation import Installation
    from sandbox.world.customers import Customer

READ: Final = "Succeeded"
DENIED: Final = "AccessDenied"
LEFT: Final = "Left"


class Steps:
    """Plays steps with one installation. `now` is the moment as of which alert rules are evaluated."""

    def __init__(self, installation: Installation, display: Display, checks: Checks) -> None:
        self.installation = installation
        self.now = dt.datetime.now(dt.UTC)
        self._display = display
        self._checks = checks
        self._tables = Tables(installation, display)
        self._rules = {rule.name: rule.display_name for rule in installation.alerts.rules}

    @property
    def deliveries(self) -> list[Delivery]:
        """Every alert that the receiver has been told about, in order."""
        return [Delivery.read(payload) for payload in self.installation.receiver.payloads]

    def alert(self, rule: str, *about: str) -> str:
        """Return how `Delivery.summary` words an alert of a rule (by its name in infra/alert_rules.json)."""
        return ": ".join(part for part in (self._rules[rule], ", ".join(about)) if part)

    def expect_answers(self, what: str, status: Iterable[int], answers: Mapping[str, Answer]) -> None:
        """Show calls of the webhook; they must have been answered with these statuses."""
        rows = [(call, str(answer.status), _told(answer)) for call, answer in answers.items()]
        self._display.table("POST /api/resource", ("Call", "Answer", ""), rows)
        self._checks.equal(what, list(status), [answer.status for answer in answers.values()])

    def expect_registry(self, *fleet: Customer) -> None:
        """Show the registry; these customers must be active in it, with the right resource groups."""
        rows = self._tables.registry()
        self._checks.same(
            "the registry has exactly the fleet",
            [(one.application_id.lower(), one.managed_resource_group_id.lower()) for one in fleet],
            [
                (row["application_id"].lower(), row["managed_resource_group_id"].lower())
                for row in rows
                if row["status"] == "active"
            ],
        )

    def collect(self, *readable: Customer, unreadable: tuple[Customer, ...] = ()) -> None:
        """Fire the collector's timer, show the tables, and compare them with the customers' policy states."""
        error = self.installation.collect()
        found = self._tables.latest_run()
        truth = {customer: states_in_azure(customer) for customer in readable}
        states = [state for found in truth.values() for state in found]
        outcomes = [(one.application_name, READ, len(truth[one]), _violations(truth[one])) for one in readable]
        outcomes += [(one.application_name, DENIED, 0, 0) for one in unreadable]
        totals = (len(outcomes), len(readable), len(unreadable), len(states), _violations(states))
        self._checks.equal("the timer function succeeded", None, error)
        self._checks.same(
            "the table has every state once, and none of somebody else's policies", states, states_in_rows(found.states)
        )
        self._checks.same(
            "every application has its outcome",
            outcomes,
            [
                _values(row, "Application_name", "Outcome", "States", "Noncompliant_states")
                for row in found.results
                if row["Outcome"] != LEFT
            ],
        )
        self._checks.equal(
            "the run row counts them all",
            totals,
            _values(found.run, "Applications", "Succeeded", "Failed", "States", "Noncompliant_states"),
        )

    def export(self) -> None:
        """Fire the timer that exports registry and ledger; it has to tell of an export."""
        error = self.installation.export()
        told = self.installation.sandbox.workspace.query(
            'ManagedApplicationEvents_CL | where Event_type == "Export" | project Registry_action'
        )
        self._checks.equal(
            "registry and ledger are exported", (None, ["Exported"]), (error, [row["Registry_action"] for row in told])
        )

    def evaluate_alerts(self, *expected: str) -> None:
        """Evaluate the alert rules as of `now`; exactly these alerts must arrive, given as `Delivery.summary`."""
        before = len(self.deliveries)
        self.installation.evaluate_alerts(self.now)
        arrived = self.deliveries[before:]
        self._display.alerts(f"Received by the action group at {self.now:%H:%M} UTC", arrived)
        self._checks.same(_counted(len(expected), "arrived"), expected, [alert.summary for alert in arrived])

    def expect_active(self, *expected: str) -> None:
        """These alerts must be active, given as `alert` words them."""
        active = [alert.summary.partition(": ")[2] for alert in still_active(self.deliveries)]
        self._checks.same(_counted(len(expected), "active"), expected, active)

    def expect_verdicts(self, *expected: tuple[str, str, str, str]) -> None:
        """Show what stands; exactly this must be wrong: customer, verdict, why it is held, and the guard."""
        rows = self._tables.verdicts()
        found = [_values(row, "Customer_name", "Verdict", "Held_reason", "Guard") for row in rows]
        self._checks.same("the verdicts say what stands, and why it is held", expected, found)

    def expect_accepted(self, *expected: tuple[str, str, str]) -> None:
        """Show what an operator has accepted; exactly this must be: customer, verdict, who accepted it."""
        rows = self._tables.accepted()
        found = [_values(row, "Customer_name", "Verdict", "Accepted_by") for row in rows]
        self._checks.same("what is accepted says by whom", expected, found)

    def expect_fleet(self, *expected: tuple[str, str, str]) -> None:
        """Show the dashboards' view; it must have these customers, with their compliance and latest outcome."""
        rows = self._tables.fleet()
        found = [_values(row, "Customer_name", "Compliance", "Outcome") for row in rows]
        self._checks.same("the dashboards' query agrees", expected, found)

    def expect_api(self, *unread: tuple[Customer, str, str]) -> None:
        """Ask the API; it must agree with the tables, and name as unread these, with last known status and outcome."""
        expect_api(self._tables, self._checks, *unread)

    def operate(self, customer: Customer, *arguments: str, told: str) -> None:
        """An operator runs a command about a customer's application; it must succeed and say what is `told`."""
        operate(self.installation, self._display, self._checks, customer, *arguments, told=told)

    def expect_borders(self, customer: Customer) -> None:
        """Break into each app, and try everything, on this customer too; it must reach what it needs and no more."""
        expect_borders(self.installation, self._display, self._checks, customer)


def _violations(states: Iterable[tuple[str, ...]]) -> int:
    return sum(state[-1] == "noncompliant" for state in states)


def _values(row: Mapping[str, Any], *columns: str) -> tuple[Any, ...]:
    return tuple(row.get(column) for column in columns)


def _counted(number: int, what: str) -> str:
    return f"exactly {number} alert{'' if number == 1 else 's'} {what}" if number else f"no alert {what}"


def _told(answer: Answer) -> str:
    """Return the sentence in an answer's body; the host's own answers have none."""
    body = json.loads(answer.body) if answer.body else {}
    return str(body.get("result") or body.get("detail") or "")
