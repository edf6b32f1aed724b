"""The chapters of the demonstration. A new chapter is a method here, and a line in `chapters`."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.demo.display import Display
    from sandbox.demo.steps import Steps
    from sandbox.functions.process import Answer

FREQUENCY: Final = dt.timedelta(minutes=15)
"""How often the rules are evaluated (infra/alert_rules.json)."""

HEALTHY: Final = 3
"""Healthy evaluations in a row after which Azure resolves an alert of a rule with this frequency."""

EVALUATED: Final = dt.timedelta(hours=1)
"""How long before the story Azure Policy has evaluated everything."""

SILENCE: Final = dt.timedelta(hours=4)
"""Longer than the window of the rule about the collector's silence."""


class Story:
    """Three customers, all with violations: one is accepted and one is remediated, one customer revokes access.

    Alert rules are evaluated as of moments that the story sets; everything else happens in real time.
    """

    def __init__(self, steps: Steps, display: Display) -> None:
        self._steps = steps
        self._installation = steps.installation
        self._display = display
        add = self._installation.sandbox.arm.add_customer
        self._contoso = add("Contoso")
        self._fabrikam = add("Fabrikam")
        self._northwind = add("Northwind", kind="ServiceCatalog")
        self._contoso.assign_repairing()
        self._contoso.break_resource("storage1", "no-public-blobs")
        self._contoso.break_resource("storage2", "secure-transfer")
        self._fabrikam.break_resource("storage1", "secure-transfer")
        self._northwind.break_resource("vault", "baseline", "vaultPurgeProtection")
        for customer in (self._contoso, self._fabrikam, self._northwind):
            customer.age_states(EVALUATED)
        name = "application-noncompliant"
        self._public_blobs = steps.alert(name, "Contoso", "contoso-analytics", "Storage has no public blobs")
        self._old_device = steps.alert(name, "Contoso", "contoso-analytics", "Storage only accepts HTTPS")
        self._plain_http = steps.alert(name, "Fabrikam", "fabrikam-analytics", "Storage only accepts HTTPS")
        self._no_purge_protection = steps.alert(name, "Northwind", "northwind-analytics", "Security baseline")
        self._unread = steps.alert("application-unread", "Northwind", "northwind-analytics")
        self._withdrawn = steps.alert("guard-changed", "Fabrikam", "fabrikam-analytics", "Storage only accepts HTTPS")

    @property
    def chapters(self) -> tuple[tuple[str, Callable[[], None]], ...]:
        """The chapters in order: heading, and what plays it."""
        return (
            ("Customers deploy the application", self._deploy),
            ("The collector runs, and alerts fire", self._collect),
            ("An operator accepts one violation, and has another one repaired", self._act),
            ("A customer deletes the assignment that betrays them", self._withdraw),
            ("One customer is repaired, another takes our access away", self._change),
            ("A customer deletes the application and leaves the fleet", self._leave),
            ("And if the collector itself fell silent?", self._fall_silent),
            ("And if somebody breaks into an app?", self._break_in),
        )

    def _deploy(self) -> None:
        self._display.say(
            "Contoso and Fabrikam buy the application in the Marketplace, Northwind deploys it from a service catalog. "
            "Azure calls the webhook when a deployment begins and when it has succeeded."
        )
        answers: dict[str, Answer] = {}
        for customer in (self._contoso, self._fabrikam, self._northwind):
            answers |= self._installation.deploy(customer)
        self._steps.expect_answers("Azure's notifications are taken in", [200] * 6, answers)
        self._display.say("Anybody can find a web address. What does not come from Azure is refused.")
        strangers = {
            "no function key": self._installation.notify(self._fabrikam, "DELETE", "Deleted", code=""),
            "the function key, a wrong signature": self._installation.notify(
                self._fabrikam, "DELETE", "Deleted", sig="a guess"
            ),
            "both, but no notification": self._installation.post_to_webhook(b"hello"),
        }
        self._steps.expect_answers("strangers are refused", [401, 401, 400], strangers)
        self._display.say(
            "The front only puts messages on a queue. The worker takes them, and asks Azure about each application: "
            "where its resources are, and which policies are assigned there. The publisher's operator adds the names."
        )
        for customer in (self._contoso, self._fabrikam, self._northwind):
            self._installation.name_customer(customer)
        self._steps.expect_registry(self._contoso, self._fabrikam, self._northwind)

    def _collect(self) -> None:
        self._display.say(
            "Contoso has a storage account whose blobs anybody can read, and one that accepts plain HTTP, as Fabrikam "
            "has. Northwind has a key vault without purge protection. "
            "The collector's timer fires: with the publisher's service principal it reads the policy states of every "
            "registered application, and uploads them through the data collection endpoint."
        )
        self._steps.collect(self._contoso, self._fabrikam, self._northwind)
        self._display.say(
            "Once a day registry and ledger are exported, so that what somebody deletes there can be restored."
        )
        self._steps.export()
        self._display.say("Azure Monitor evaluates the alert rules.")
        self._steps.now = dt.datetime.now(dt.UTC)
        fired = (self._public_blobs, self._old_device, self._plain_http, self._no_purge_protection)
        self._steps.evaluate_alerts(*(f"Fired: {one}" for one in fired))

    def _act(self) -> None:
        self._display.say(
            "Contoso measures with a device that cannot speak TLS and is replaced next week. The operator accepts it, "
            "with a name, a reason and an end. The verdict stays, and says so; no alert tells of it until then."
        )
        person = ("--person", "Ada Lovelace", "--yes")
        why = ("--reason", "the device is replaced next week", "--until", "14d")
        self._steps.operate(
            self._contoso, "accept", "--assignment", "secure-transfer", *why, *person, told="1 accepted until"
        )
        self._display.say(
            "The other policy has the effect modify: Azure Policy can repair what violates it. A remediation is shown "
            "before it is done. It creates the task, follows it, lets Azure evaluate, and believes nothing but a later "
            "evaluation."
        )
        finding = ("--assignment", "no-public-blobs")
        self._steps.operate(self._contoso, "remediate", *finding, told="Nothing was changed.")
        create = ("--create", "--reason", "incident 7")
        self._steps.operate(self._contoso, "remediate", *finding, *create, *person, told="Compliant")
        self._evaluate_until_resolved(self._public_blobs, self._old_device)
        self._steps.expect_active(self._plain_http, self._no_purge_protection)
        self._steps.expect_accepted(("Contoso", "NonCompliant", "Ada Lovelace"))

    def _withdraw(self) -> None:
        self._display.say(
            "Fabrikam deletes the policy assignment instead of repairing the storage account. Azure Policy reports "
            "nothing about it any more. The collector runs again, and reads the assignments: one is gone."
        )
        self._deleted = self._fabrikam.unassign("secure-transfer")
        self._steps.collect(self._contoso, self._fabrikam, self._northwind)
        self._steps.now += FREQUENCY
        self._steps.evaluate_alerts(f"Fired: {self._withdrawn}")
        self._display.say(
            "The violation stays an alert: nobody has read that it is repaired. The ledger remembers it, and says why "
            "it is held."
        )
        self._steps.expect_verdicts(
            ("Contoso", "NonCompliant", "", "Intact"),
            ("Fabrikam", "NonCompliant", "Withdrawn", "Withdrawn"),
            ("Northwind", "NonCompliant", "", "Intact"),
        )
        for _ in range(HEALTHY):
            self._steps.now += FREQUENCY
            self._steps.evaluate_alerts()
        self._steps.expect_active(self._plain_http, self._no_purge_protection, self._withdrawn)

    def _change(self) -> None:
        self._display.say(
            "Fabrikam restores the assignment, and its storage account now insists on HTTPS. Northwind revokes the "
            "publisher's access. The collector runs again."
        )
        self._fabrikam.assign(self._deleted)
        self._fabrikam.repair("storage1")
        self._northwind.revoke_access()
        self._steps.collect(self._contoso, self._fabrikam, unreadable=(self._northwind,))
        self._display.say(
            "Azure evaluates the rules every 15 minutes, and resolves an alert after three healthy evaluations in a "
            "row. The demonstration does not wait: it evaluates as of 15, 30 and 45 minutes later."
        )
        self._steps.now += FREQUENCY
        self._steps.evaluate_alerts(f"Fired: {self._unread}")
        self._evaluate_until_resolved(self._plain_http, self._withdrawn, already=1)
        self._display.say("Northwind's violation stays an alert: what cannot be read has not been repaired.")
        self._steps.expect_active(self._no_purge_protection, self._unread)
        self._steps.expect_fleet(
            ("Contoso", "NonCompliant", "Succeeded"),
            ("Fabrikam", "Compliant", "Succeeded"),
            ("Northwind", "NonCompliant", "AccessDenied"),
        )
        self._display.say(
            "Programs ask the API, and people open its operations page. The function app reads the workspace for them; "
            "the platform's sign-in stands in front of it."
        )
        self._steps.expect_api((self._northwind, "noncompliant", "AccessDenied"))

    def _leave(self) -> None:
        self._display.say("Northwind deletes the application. Azure calls the webhook at the beginning and at the end.")
        answers = self._installation.delete(self._northwind)
        self._steps.expect_answers("Azure's notifications are taken in", [200] * 2, answers)
        self._steps.expect_registry(self._contoso, self._fabrikam)
        self._steps.collect(self._contoso, self._fabrikam)
        self._display.say("After three more evaluations, again 15 minutes apart, Northwind's alerts are resolved.")
        self._evaluate_until_resolved(self._no_purge_protection, self._unread)
        self._steps.expect_active()
        self._steps.expect_fleet(("Contoso", "NonCompliant", "Succeeded"), ("Fabrikam", "Compliant", "Succeeded"))

    def _evaluate_until_resolved(self, *alerts: str, already: int = 0) -> None:
        for number in range(already + 1, HEALTHY + 1):
            self._steps.now += FREQUENCY
            self._steps.evaluate_alerts(*(f"Resolved: {one}" for one in alerts if number == HEALTHY))

    def _fall_silent(self) -> None:
        self._display.say(
            "No alert is good news only as long as somebody looks. The rules are evaluated as of four hours later, "
            "without a collection in between."
        )
        self._steps.now += SILENCE
        self._steps.evaluate_alerts(f"Fired: {self._steps.alert('collector-silent')}")

    def _break_in(self) -> None:
        self._display.say(
            "Each app has its own identity and its own storage. Suppose somebody runs code inside one: with its "
            "settings and its identity they try every service, also in the name of the others. From the front, which "
            "strangers reach, they can only put messages on the one queue; the worker asks Azure whether they are true."
        )
        self._steps.expect_borders(self._contoso)
        self._display.say(
            "The front knows the webhook's signature, too. So they tell the worker that Contoso has left."
        )
        told = {"Contoso: DELETE/Deleted": self._installation.notify(self._contoso, "DELETE", "Deleted")}
        self._installation.work_off()
        self._steps.expect_answers("the lie is taken in", [200], told)
        self._steps.expect_registry(self._contoso, self._fabrikam)
