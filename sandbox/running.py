"""``python -m sandbox run``: a local Azure with the product in it, collecting and alerting until it is told to stop."""

from __future__ import annotations

import datetime as dt
import re
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson
from rich.markup import escape
from rich.text import Text

from sandbox.address_book import FRONT_DOOR_OF_OWN_HOST, OWN_HOST_PORT, AddressBook
from sandbox.addresses import Addresses
from sandbox.alerts.deliveries import Delivery
from sandbox.azure.web import HOST
from sandbox.functions.front_door import FrontDoor
from sandbox.installation import Installation
from sandbox.playground import Playground
from sandbox.services import Service

if TYPE_CHECKING:
    from rich.console import Console

    from sandbox.world.customers import Customer

POLL_SECONDS: Final = 0.5
API_CACHE_SECONDS: Final = "2"
"""Short, so that the operations page shows a change at once."""

_LATEST_RUN: Final = "PolicyCollectionRuns_CL | top 1 by TimeGenerated desc"
_UNREAD: Final = (
    "PolicyCollectionResults_CL | where Run_id == '{run_id}' and Outcome !in ('Succeeded', 'NoStates') "
    "| project Application_name, Outcome | order by Application_name asc"
)
_LOG_LINE: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ (?P<level>\w+) +(?P<logger>[\w.]+): (?P<message>.*)")


def run(console: Console, book: AddressBook, *, schedule: str, as_json: bool) -> int:
    """Run until a signal raises SystemExit; return 1 when the Functions host has gone away by itself.

    Args:
        console: where addresses, collections and alerts are printed.
        book: where everything listens.
        schedule: COLLECTION_SCHEDULE, NCRONTAB.
        as_json: print one line of JSON with all addresses, and nothing else.
    """
    feed = Feed(console, quiet=as_json)
    with (
        tempfile.TemporaryDirectory(prefix="sandbox-") as folder,
        Installation(
            book,
            settings={"COLLECTION_SCHEDULE": schedule, "API_CACHE_SECONDS": API_CACHE_SECONDS},
            timers=True,
            on_log=feed.log_line,
            routes=lambda app, installation: Playground(installation).add_routes(app),
        ) as installation,
        FrontDoor(
            installation.sandbox.directory.issuer,
            f"http://{HOST}:{OWN_HOST_PORT}",
            book.port(FRONT_DOOR_OF_OWN_HOST),
        ) as own_host,
    ):
        untold = _sample_fleet(installation)
        addresses = Addresses(installation, Path(folder))
        if as_json:
            console.file.write(orjson.dumps(addresses.as_json(), option=orjson.OPT_APPEND_NEWLINE).decode())
            console.file.flush()
        else:
            _print(console, addresses, untold, own_host.operations_page)
        feed.begin()
        installation.collect()
        while installation.functions.is_running:
            feed.follow(installation)
            time.sleep(POLL_SECONDS)
        console.print(Text(f"The Functions host has ended:\n{installation.functions.log()}", style="red"))
    return 1


def _sample_fleet(installation: Installation) -> Customer:
    """Deploy three customers, one of them not compliant; return a fourth one whom the webhook has not been told of."""
    add = installation.sandbox.arm.add_customer
    contoso, fabrikam, northwind = add("Contoso"), add("Fabrikam"), add("Northwind", kind="ServiceCatalog")
    fabrikam.break_resource("storage1", "secure-transfer")
    for customer in (contoso, fabrikam, northwind):
        installation.deploy(customer)
        installation.name_customer(customer)
    return add("Tailspin")


class Feed:
    """Prints a line for each collection, each alert and each warning of the app."""

    def __init__(self, console: Console, *, quiet: bool) -> None:
        self._console = console
        self._quiet = quiet
        self._begun = False
        self._showing = False
        self._latest_run = ""
        self._alerts = 0

    def begin(self) -> None:
        """Print from now on."""
        self._begun = True

    def log_line(self, line: str) -> None:
        """Take a line of the Functions host's log; notifications, warnings and failures are shown."""
        if found := _LOG_LINE.fullmatch(line):
            is_notification = found["logger"].startswith("notification_endpoint")
            self._showing = is_notification or found["level"] in {"WARNING", "ERROR", "CRITICAL"}
            line = found["message"] if found["level"] == "INFO" else f"{found['level'].lower()}: {found['message']}"
        if self._showing and self._begun:
            self._say(line, "")

    def follow(self, installation: Installation) -> None:
        """Show a collection that has ended since the last call, evaluate the alert rules, show what they tell."""
        workspace = installation.sandbox.workspace
        [run] = workspace.query(_LATEST_RUN) or [{"Run_id": ""}]
        if run["Run_id"] == self._latest_run:
            return
        self._latest_run = run["Run_id"]
        self._say(_described(run, workspace.query(_UNREAD.format(run_id=self._latest_run))), "cyan")
        installation.evaluate_alerts(dt.datetime.now(dt.UTC))
        received = [Delivery.read(payload) for payload in installation.receiver.payloads]
        for alert in received[self._alerts :]:
            self._say(f"alert {alert.severity} {alert.summary}", "red" if alert.condition == "Fired" else "green")
        self._alerts = len(received)

    def _say(self, text: str, style: str) -> None:
        if not self._quiet:
            self._console.print(Text(f"{dt.datetime.now(dt.UTC):%H:%M:%S}  {text}", style=style), soft_wrap=True)


def _described(run: dict[str, Any], unread: list[dict[str, Any]]) -> str:
    text = (
        f"collected ({run['Trigger']}): {run['Applications']} applications, {run['States']} states, "
        f"{run['Noncompliant_states']} not compliant"
    )
    names = ", ".join(f"{row['Application_name']} ({row['Outcome']})" for row in unread)
    return f"{text}; not read: {names}" if names else text


def _print(console: Console, addresses: Addresses, untold: Customer, own_host: str) -> None:
    sandbox = addresses.installation.sandbox
    rows = {
        "Operations page": addresses.installation.front_door.operations_page,
        "API": addresses.api_url,
        "Functions host": f"{addresses.installation.functions.url}/api",
        "Entra ID": sandbox.url(Service.ENTRA_ID),
        "Resource Manager": sandbox.url(Service.RESOURCE_MANAGER),
        "Logs ingestion": sandbox.url(Service.LOGS_INGESTION),
        "Log Analytics": addresses.query_url,
        "Table storage": sandbox.url(Service.TABLES),
        "Alerts received": addresses.alerts_url,
        "Customers": addresses.customers_url,
        "Trusted authority": str(sandbox.certificate_authority),
    }
    commands = {
        "Tailspin has deployed the application, and the webhook does not know. Tell it:": addresses.notify_command(
            untold
        ),
        "Ask the API how the fleet is:": addresses.api_command(),
        "Query the tables (KQL):": addresses.query_command(),
        "Run a collection from another shell, in this folder:": addresses.collect_command(),
        "Play a customer (break, repair, revoke, restore or delete; contoso, fabrikam, northwind, tailspin):": (
            f"curl -X POST {addresses.customers_url}/contoso/break"
        ),
        "Let a new customer deploy the application:": f"curl -X POST {addresses.customers_url}/litware",
        f"The operations page of a host of your own on port {OWN_HOST_PORT} (README, Run one role on your machine):": (
            own_host
        ),
    }
    console.print("[bold]A local Azure with the product in it is running. Ctrl-C ends it.[/bold]\n")
    for name, value in rows.items():
        console.print(f"  {name:<18} {escape(value)}", soft_wrap=True)
    for explanation, command in commands.items():
        console.print(f"\n{explanation}", soft_wrap=True)
        console.print(f"  [green]{escape(command)}[/green]", soft_wrap=True)
    console.print(
        "\nCollections run on a short schedule. Alert rules are evaluated after each collection instead of every 30 "
        "minutes, so an\nalert is resolved by the second healthy collection.\n",
        soft_wrap=True,
    )
