"""Where a sandbox listens, and the secrets that open it.

Tests, benchmarks and the demo take an `AddressBook()`: free ports and random secrets, so that any number of them run
side by side. `make sandbox` takes `FIXED`, which is the same each time, so that the settings in the files
``*/local.settings.example.json`` fit it. All of it is on loopback, and the secrets are worth nothing elsewhere.
"""

from __future__ import annotations

import secrets
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sandbox.azure.web import HOST
from sandbox.functions.process import REPOSITORY
from sandbox.roles import Role
from sandbox.services import Service

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FRONT_DOOR: Final = "front-door"
FRONT_DOOR_OF_OWN_HOST: Final = "front-door-of-own-host"
ALERTS: Final = "alerts"

KEY_DOORS: Final[Mapping[Service, str]] = {
    service: f"{service}-by-key" for service in (Service.BLOBS, Service.QUEUES, Service.TABLES)
}
"""The storage services once more, for hosts of the user's own: without TLS, and open to an account's key.

Core Tools trust only the machine's authorities, and so cannot reach the others. They are there where they have a port.
"""

FIXED_PORTS: Final[Mapping[str, int]] = {
    Service.ENTRA_ID: 17071,
    Service.MANAGED_IDENTITY: 17072,
    Service.RESOURCE_MANAGER: 17073,
    Service.LOGS_INGESTION: 17074,
    Service.LOG_ANALYTICS: 17075,
    Service.TABLES: 17076,
    Service.QUEUES: 17077,
    Service.BLOBS: 17078,
    Role.FRONT: 17079,  # the Functions host of the app with this role
    FRONT_DOOR: 17080,  # the platform's sign-in before the api's host
    FRONT_DOOR_OF_OWN_HOST: 17081,  # the same before a host of the user's own, on OWN_HOST_PORT
    ALERTS: 17082,  # where alerts are received and customers are played
    Role.WORKER: 17083,
    Role.API: 17084,
    KEY_DOORS[Service.BLOBS]: 17085,
    KEY_DOORS[Service.QUEUES]: 17086,
    KEY_DOORS[Service.TABLES]: 17087,
}
"""Below the ports that operating systems hand out as free ones, so that nobody gets one of these by chance."""

OWN_HOST_PORT: Final = 7071
"""Where a host that the user starts listens: Core Tools' default."""

OTHER_WAY: Final = "python -m sandbox run --any-ports"


class PortTakenError(Exception):
    """Something else listens on a port of the address book. The message names it and the way out."""


@dataclass(frozen=True, slots=True)
class AddressBook:
    """Ports and secrets of one sandbox.

    Args:
        ports: by name, as in FIXED_PORTS; a name that is missing gets a free port.
        folder: where certificates are kept; None for a folder that goes with the sandbox.
        client_secret: of the publisher's service principal.
        identity_headers: by role, what an app proves with that it may ask for tokens of its own identity.
        notification_signature: what the webhook's address carries as ``sig``.
    """

    ports: Mapping[str, int] = field(default_factory=dict)
    folder: Path | None = None
    client_secret: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    identity_headers: Mapping[str, str] = field(
        default_factory=lambda: {role: secrets.token_hex(16) for role in Role}, repr=False
    )
    notification_signature: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)

    def port(self, name: str) -> int:
        """Return the port of a service or of something else that listens; 0 stands for a free one."""
        return self.ports.get(name, 0)

    def require_free_ports(self) -> None:
        """Raise PortTakenError for the first port that something else listens on."""
        for name, port in self.ports.items():
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that was just left is free
                try:
                    probe.bind((HOST, port))
                except OSError as error:
                    raise PortTakenError(
                        f"Port {port} ({name}) is taken, perhaps by another sandbox. End what listens there, or use "
                        f"free ports, which the example settings do not fit: {OTHER_WAY}"
                    ) from error


FIXED: Final = AddressBook(
    ports=FIXED_PORTS,
    folder=REPOSITORY / ".sandbox",
    client_secret="the-sandbox-accepts-this-client-secret",  # noqa: S106 - opens nothing but a sandbox on loopback
    identity_headers={role: f"the-sandbox-accepts-this-identity-header-of-{role}" for role in Role},
    notification_signature="the-sandbox-accepts-this-signature",
)
"""The address book of `make sandbox`."""
