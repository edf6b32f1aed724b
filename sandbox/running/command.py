"""``python -m sandbox run``: a local Azure with the product in it, collecting and alerting until it is told to stop."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson
from rich.markup import escape
from rich.text import Text

from sandbox.address_book import FRONT_DOOR_OF_OWN_HOST, OWN_HOST_PORT, AddressBook
from sandbox.azure.web import HOST
from sandbox.functions.front_door import FrontDoor
from sandbox.installation import Installation
from sandbox.roles import Role
from sandbox.running.addresses import Addresses
from sandbox.running.feed import Feed
from sandbox.running.playground import Playground
from sandbox.services import Service

if TYPE_CHECKING:
    from rich.console import Console

    from sandbox.world.customers import Customer

POLL_SECONDS: Final = 0.5
API_CACHE_SECONDS: Final = "2"
"""Short, so that the operations page shows a change at once."""


def run(console: Console, book: AddressBook, *, schedule: str, as_json: bool) -> int:
    """Run until a signal raises SystemExit; return 1 when a Functions host has gone away by itself.

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
            settings={
                Role.WORKER: {"COLLECTION_SCHEDULE": schedule},
                Role.API: {"API_CACHE_SECONDS": API_CACHE_SECONDS},
            },
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
        feed.follow(installation)
        feed.begin()
        installation.collect()
        installation.export()
        try:
            while all(host.is_running for host in installation.hosts.values()):
                installation.ask_if_due()
                feed.follow(installation)
                time.sleep(POLL_SECONDS)
        finally:
            feed.end()
        console.print(Text(f"A Functions host has ended.\n{installation.log()}", style="red"))
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


def _print(console: Console, addresses: Addresses, untold: Customer, own_host: str) -> None:
    sandbox = addresses.installation.sandbox
    rows = {
        "Operations page": addresses.installation.front_door.operations_page,
        "API": addresses.api_url,
        **{f"App {role}": host.url for role, host in addresses.installation.hosts.items()},
        "Entra ID": sandbox.url(Service.ENTRA_ID),
        "Resource Manager": sandbox.url(Service.RESOURCE_MANAGER),
        "Logs ingestion": sandbox.url(Service.LOGS_INGESTION),
        "Log Analytics": addresses.query_url,
        "Table storage": sandbox.url(Service.TABLES),
        "Queue storage": sandbox.url(Service.QUEUES),
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
        "Run a collection from another shell, in this folder, with the worker's settings:": addresses.collect_command(),
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
        "\nCollections run on a short schedule, and the worker asks about a new application at once, not within a "
        "minute.\nAlert rules are evaluated after each collection instead of every 15 minutes, so an alert is resolved "
        "by the third\nhealthy collection.\n",
        soft_wrap=True,
    )
