"""The product installed in a sandbox: Functions app, sign-in, alert rules, and a receiver of alerts.

`make demo` and `make sandbox` use it. All of the product's own code runs: notifications and collections go through the
Functions host, alerts to an HTTP receiver, and calls of the API through the sign-in.
"""

from __future__ import annotations

import datetime as dt
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final, Self

import orjson
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient, UpdateMode

from sandbox.address_book import ALERTS, FRONT_DOOR, FUNCTIONS
from sandbox.alerts.evaluation import AlertEvaluator
from sandbox.alerts.receiver import PATH as ALERTS_PATH
from sandbox.alerts.receiver import AlertReceiver, post_to
from sandbox.alerts.rules import read_rules
from sandbox.azure.notifications import notification
from sandbox.azure.site import Site
from sandbox.functions.easy_auth import SETTINGS as SIGN_IN_SETTINGS
from sandbox.functions.front_door import FrontDoor
from sandbox.functions.process import Answer, FunctionsProcess
from sandbox.local_azure import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aiohttp import web

    from sandbox.address_book import AddressBook
    from sandbox.alerts.evaluation import Notification
    from sandbox.world.customers import Customer

RULES_INTERVAL: Final = "PT1H"
"""The collection interval that the alert rules are set up for: the default schedule's."""

COLLECTOR: Final = "collect_policy_states"
WEBHOOK: Final = "/api/resource"


class Installation:
    """A sandbox with the product installed in it; a context manager that ends everything it started.

    Args:
        book: where everything listens; see Sandbox.
        settings: app settings besides those that the sandbox gives.
        timers: whether the app's timers fire on their schedules, and not only when asked for.
        on_log: is called, in another thread, with each line that the Functions host logs.
        routes: puts more routes into the site that receives the alerts; they may use this installation.
    """

    def __init__(
        self,
        book: AddressBook | None = None,
        *,
        settings: Mapping[str, str] | None = None,
        timers: bool = False,
        on_log: Callable[[str], None] = lambda _: None,
        routes: Callable[[web.Application, Installation], None] = lambda *_: None,
    ) -> None:
        self.sandbox = Sandbox(book)
        self.receiver = AlertReceiver()
        self._site = Site(self.receiver.add_routes, lambda app: routes(app, self), port=self.sandbox.book.port(ALERTS))
        self._settings = dict(settings or {})
        self._timers = timers
        self._on_log = on_log
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            # A signal can end the start half-way, when the sandbox does not yet know what it has to end.
            starting.callback(self.sandbox.azurite.stop)
            starting.enter_context(self.sandbox)
            starting.enter_context(self._site)
            self.settings = self.sandbox.environment | self._settings
            book, issuer = self.sandbox.book, self.sandbox.directory.issuer
            self.functions = starting.enter_context(
                FunctionsProcess(
                    self.settings | SIGN_IN_SETTINGS,
                    port=book.port(FUNCTIONS),
                    timers=self._timers,
                    on_log=self._on_log,
                )
            )
            self.front_door = starting.enter_context(FrontDoor(issuer, self.functions.url, book.port(FRONT_DOOR)))
            self.alerts = AlertEvaluator(
                read_rules(RULES_INTERVAL), self.sandbox.workspace, post_to(self._site.url + ALERTS_PATH)
            )
            self._stack = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def site_url(self) -> str:
        """Where alerts are received, without a slash at the end."""
        return self._site.url

    def notify(
        self,
        customer: Customer,
        event_type: str,
        provisioning_state: str,
        **credentials: str,
    ) -> Answer:
        """Send the webhook what Azure sends about a customer's application, and return the answer.

        `credentials` replace the query parameters ``code`` and ``sig`` that the registered address carries.
        """
        body = notification(
            customer,
            event_type,
            provisioning_state,
            event_time=dt.datetime.now(dt.UTC),
            leading_slash=customer.kind == "MarketPlace",
        )
        return self.post_to_webhook(orjson.dumps(body), **credentials)

    def post_to_webhook(self, body: bytes, **credentials: str) -> Answer:
        """Post any body to the webhook; see `notify`."""
        query = {"code": self.functions.function_key, "sig": self.sandbox.notification_signature} | credentials
        return self.functions.send(
            "POST", WEBHOOK, query=query, body=body, headers={"Content-Type": "application/json"}
        )

    def deploy(self, customer: Customer) -> dict[str, Answer]:
        """Send the two notifications of a deployment; return the answers by notification."""
        return self._answer_by_name(customer, "PUT", "Accepted") | self._answer_by_name(customer, "PUT", "Succeeded")

    def delete(self, customer: Customer) -> dict[str, Answer]:
        """Delete a customer's application and send both notifications of that; return the answers by notification."""
        customer.start_deleting()
        answers = self._answer_by_name(customer, "DELETE", "Deleting")
        customer.delete()
        return answers | self._answer_by_name(customer, "DELETE", "Deleted")

    def _answer_by_name(self, customer: Customer, event_type: str, provisioning_state: str) -> dict[str, Answer]:
        answer = self.notify(customer, event_type, provisioning_state)
        return {f"{customer.name}: {event_type}/{provisioning_state}": answer}

    def collect(self) -> str | None:
        """Fire the collector's timer, wait until it is done, and return why it failed, or None."""
        return self.functions.run_timer(COLLECTOR)

    def evaluate_alerts(self, now: dt.datetime) -> list[Notification]:
        """Evaluate every alert rule once, as of `now`; what fires and what is resolved goes to the receiver."""
        return self.alerts.evaluate(now)

    def registry_rows(self) -> list[dict[str, Any]]:
        """Return every row of the registry as it is stored, tombstones included; none when there is no table yet."""
        with self._registry() as table:
            try:
                return [dict(entity) for entity in table.list_entities()]
            except ResourceNotFoundError:
                return []

    def name_customer(self, customer: Customer) -> None:
        """Set a customer's name in the registry, as an operator does with any tool for Table storage."""
        with self._registry() as table:
            for entity in table.query_entities(
                "subscription_id eq @subscription", parameters={"subscription": customer.subscription_id}
            ):
                keys = {"PartitionKey": entity["PartitionKey"], "RowKey": entity["RowKey"]}
                table.update_entity(keys | {"customer_name": customer.name}, mode=UpdateMode.MERGE)

    def _registry(self) -> TableClient:
        return TableClient.from_connection_string(self.settings["AzureWebJobsStorage"], self.settings["TABLE_NAME"])
