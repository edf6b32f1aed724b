"""The sandbox's addresses: free ones that differ each time, or fixed ones of which a taken one is named."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sandbox.address_book import (
    ALERTS,
    FIXED,
    FIXED_PORTS,
    FRONT_DOOR,
    OTHER_WAY,
    OWN_HOST_PORT,
    AddressBook,
    PortTakenError,
)
from sandbox.example_settings import FOR_EVERY_HOST, example_of
from sandbox.functions.process import REPOSITORY
from sandbox.local_azure import Sandbox
from sandbox.roles import APPS, Role
from sandbox.services import Service

FIRST_FREE_PORT = 32768
"""The lowest port that Linux hands out as a free one; other systems begin higher."""


def test_every_address_has_a_port_of_its_own_that_nobody_gets_by_chance() -> None:
    ports = [*FIXED_PORTS.values(), OWN_HOST_PORT]
    assert set(Service) < set(FIXED_PORTS)
    assert len(set(ports)) == len(ports)
    assert all(1024 < port < FIRST_FREE_PORT for port in ports)


def test_secrets_differ_from_sandbox_to_sandbox_and_show_in_no_repr() -> None:
    one, other = AddressBook(), AddressBook()
    for name in ("client_secret", "notification_signature"):
        assert getattr(one, name) != getattr(other, name)
        assert getattr(one, name) not in repr(one)
    headers = [*one.identity_headers.values(), *other.identity_headers.values()]
    assert len(set(headers)) == len(headers) == 2 * len(Role)
    assert not any(header in repr(one) for header in headers)


def test_a_taken_port_is_named_before_anything_is_written(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        book = AddressBook(ports={Service.TABLES: port}, folder=tmp_path)
        with pytest.raises(PortTakenError, match=rf"Port {port} \(tables\) is taken.*--any-ports"):
            Sandbox(book)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("fixed_ports")
def test_make_sandbox_has_the_addresses_and_secrets_of_the_example_settings() -> None:
    FIXED.require_free_ports()
    expected = {role: example_of(role) for role in APPS}
    for of_role in expected.values():
        of_role["SSL_CERT_FILE"] = str(REPOSITORY / of_role["SSL_CERT_FILE"])
        for name in ("AzureWebJobsStorage", *FOR_EVERY_HOST):  # only for hosts of the user's own
            del of_role[name]
    schedule = expected[Role.WORKER]["COLLECTION_SCHEDULE"]
    command = [sys.executable, "-m", "sandbox", "run", "--schedule", schedule]
    with subprocess.Popen([*command, "--json"], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            addresses = json.loads(process.stdout.readline())
            second = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False)
        finally:
            process.send_signal(signal.SIGTERM)
    assert process.returncode == 0
    for role, of_role in expected.items():
        environment = addresses["apps"][role]["environment"]
        assert {name: environment.get(name) for name in of_role} == of_role
    for name, url in (
        (Role.FRONT, addresses["notificationUrl"]),
        (Role.WORKER, addresses["apps"]["worker"]["url"]),
        (Role.API, addresses["apps"]["api"]["url"]),
        (FRONT_DOOR, addresses["api"]["url"]),
        (ALERTS, addresses["alertsUrl"]),
    ):
        assert urlsplit(url).port == FIXED_PORTS[name]
    assert second.returncode == 1
    assert second.stderr.startswith(f"Port {FIXED_PORTS[Service.ENTRA_ID]} (entra-id) is taken")
    assert OTHER_WAY in second.stderr
