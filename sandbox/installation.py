"""The product installed in a sandbox: three Functions apps, sign-in, alert rules, and a receiver of alerts.

`make demo` and `make sandbox` use it. All of the product's own code runs, each role in a process of its own and with
its own identity: notifications go through the front and the queue to the worker, alerts to an HTTP receiver, and calls
of the API through the sign-in.
"""

from __future__ import annotations

import datetime as dt
import time
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Self

import orjson

from sandbox.address_book import ALERTS, FRONT_DOOR
from sandbox.alerts.evaluation import AlertEvaluator
from sandbox.alerts.receiver import PATH as ALERTS_PATH
from sandbox.alerts.receiver import AlertReceiver, post_to
from sandbox.alerts.rules import read_rules
from sandbox.azure.notifications import notification
from sandbox.azure.site import Site
from sandbox.functions.easy_auth import SETTINGS as SIGN_IN_SETTINGS
from sandbox.functions.front_door import FrontDoor
from sandbox.functions.process import Answer, FunctionsHostFailedError, FunctionsProcess
from sandbox.local_azure import Sandbox
from sandbox.roles import APPS, Role
from sandbox.worker_storage import WorkerStorage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aiohttp import web

    from sandbox.address_book import AddressBook
    from sandbox.alerts.evaluation import Notification
    from sandbox.world.customers import Customer

RULES_INTERVAL: Final = "PT1H"
"""The collection interval that the alert rules are set up for: the default schedule's."""

COLLECTOR: Final = "collect_policy_states"
EXPORTER: Final = "export_registry_and_ledger"
ASKER: Final = "ask_about_pending"
WEBHOOK: Final = "/api/resource"

_OF_ROLE: Final[Mapping[str, Mapping[str, str]]] = {
    # The real host, too, takes settings of host.json from the environment. Nobody wants to wait here.
    Role.WORKER: {"AzureFunctionsJobHost__extensions__queues__maxPollingInterval": "00:00:00.2"},
    Role.API: SIGN_IN_SETTINGS,
}
_TAKEN_IN_SECONDS: Final = 20.0
_POLL_SECONDS: Final = 0.05
_MOST_ROUNDS: Final = 20


class Installation:
    """A sandbox with the product installed in it; a context manager that ends everything it started.

    Args:
        book: where everything listens; see Sandbox.
        settings: by role, app settings besides those that the sandbox gives.
        timers: whether the apps' timers fire on their schedules, and not only when asked for.
        on_log: is called, in another thread, with a role and each line that its Functions host logs.
        routes: puts more routes into the site that receives the alerts; they may use this installation.
    """

    def __init__(
        self,
        book: AddressBook | None = None,
        *,
        settings: Mapping[str, Mapping[str, str]] | None = None,
        timers: bool = False,
        on_log: Callable[[str, str], None] = lambda *_: None,
        routes: Callable[[web.Application, Installation], None] = lambda *_: None,
    ) -> None:
        self.sandbox = Sandbox(book, identity_storage=True)
        self.receiver = AlertReceiver()
        self._site = Site(self.receiver.add_routes, lambda app: routes(app, self), port=self.sandbox.book.port(ALERTS))
        self._settings = dict(settings or {})
        self._timers = timers
        self._on_log = on_log
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            # A signal can end the start half-way, when the sandbox does not yet know what it has to end.
            starting.callback(self.sandbox.storage.azurite.stop)
            starting.enter_context(self.sandbox)
            starting.enter_context(self._site)
            self.hosts = {role: self._host(role) for role in APPS}
            for host in self.hosts.values():
                starting.callback(host.stop)
                host.launch()
            for host in self.hosts.values():
                host.wait_until_ready()
            book, issuer = self.sandbox.book, self.sandbox.directory.issuer
            door = FrontDoor(issuer, self.api.url, book.port(FRONT_DOOR), self.api.door_key)
            self.front_door = starting.enter_context(door)
            self.storage = starting.enter_context(WorkerStorage(self.environment_of(Role.WORKER), issuer))
            self.alerts = AlertEvaluator(
                read_rules(RULES_INTERVAL), self.sandbox.workspace, post_to(self._site.url + ALERTS_PATH)
            )
            self._stack = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def front(self) -> FunctionsProcess:
        """The app that strangers reach."""
        return self.hosts[Role.FRONT]

    @property
    def worker(self) -> FunctionsProcess:
        """The app that holds the keys to the customers."""
        return self.hosts[Role.WORKER]

    @property
    def api(self) -> FunctionsProcess:
        """The app that answers people and programs."""
        return self.hosts[Role.API]

    @property
    def site_url(self) -> str:
        """Where alerts are received, without a slash at the end."""
        return self._site.url

    def environment_of(self, role: str) -> dict[str, str]:
        """Return the app settings of a role."""
        return {**self.sandbox.environment_of(role), **_OF_ROLE.get(role, {}), **self._settings.get(role, {})}

    def log(self) -> str:
        """Return the last lines that each host has logged."""
        return "\n".join(f"{role}:\n{host.log()}" for role, host in self.hosts.items())

    def notify(self, customer: Customer, event_type: str, provisioning_state: str, **credentials: str) -> Answer:
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
        query = {"code": self.front.function_key, "sig": self.sandbox.notification_signature} | credentials
        return self.front.send("POST", WEBHOOK, query=query, body=body, headers={"Content-Type": "application/json"})

    def deploy(self, customer: Customer) -> dict[str, Answer]:
        """Send the two notifications of a deployment and let them be worked off; return the answers by notification."""
        answers = self._answer_by_name(customer, "PUT", "Accepted") | self._answer_by_name(customer, "PUT", "Succeeded")
        self.work_off()
        return answers

    def delete(self, customer: Customer) -> dict[str, Answer]:
        """Delete a customer's application, send both notifications of that and let them be worked off.

        Returns the answers by notification.
        """
        customer.start_deleting()
        answers = self._answer_by_name(customer, "DELETE", "Deleting")
        customer.delete()
        answers |= self._answer_by_name(customer, "DELETE", "Deleted")
        self.work_off()
        return answers

    def work_off(self) -> None:
        """Wait until the worker has taken every message, then let it ask ARM until nothing is due.

        What the worker cannot take or ARM does not answer about is left for later, as in Azure.

        Raises:
            FunctionsHostFailedError: the worker has gone away.
        """
        end = time.monotonic() + _TAKEN_IN_SECONDS
        while self.storage.messages() and time.monotonic() < end:
            if not self.worker.is_running:
                raise FunctionsHostFailedError("The worker's Functions host has ended")
            time.sleep(_POLL_SECONDS)
        for _ in range(_MOST_ROUNDS):
            if not self.ask_if_due():
                return

    def ask_if_due(self) -> bool:
        """Fire the worker's timer that asks ARM when an application is due, and tell whether one was."""
        is_due = self.storage.something_is_due(dt.datetime.now(dt.UTC))
        if is_due:
            self.worker.run_timer(ASKER)
        return is_due

    def _answer_by_name(self, customer: Customer, event_type: str, provisioning_state: str) -> dict[str, Answer]:
        answer = self.notify(customer, event_type, provisioning_state)
        return {f"{customer.name}: {event_type}/{provisioning_state}": answer}

    def collect(self) -> str | None:
        """Fire the collector's timer, wait until it is done, and return why it failed, or None."""
        return self.worker.run_timer(COLLECTOR)

    def export(self) -> str | None:
        """Fire the timer that exports registry and ledger, and return why it failed, or None."""
        return self.worker.run_timer(EXPORTER)

    def evaluate_alerts(self, now: dt.datetime) -> list[Notification]:
        """Evaluate every alert rule once, as of `now`; what fires and what is resolved goes to the receiver."""
        return self.alerts.evaluate(now)

    def registry_rows(self) -> list[dict[str, Any]]:
        """Return every row of the registry as it is stored, tombstones included; none when there is no table yet."""
        return self.storage.registry_rows()

    def name_customer(self, customer: Customer) -> None:
        """Set a customer's name in the registry, as an operator does with any tool for Table storage."""
        self.storage.name_customer(customer)

    def _host(self, role: Role) -> FunctionsProcess:
        return FunctionsProcess(
            self.environment_of(role),
            port=self.sandbox.book.port(role),
            timers=self._timers,
            behind_sign_in=role is Role.API,
            on_log=partial(self._on_log, role.value),
        )
