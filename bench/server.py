"""The benchmark's own small Azure, a process that takes as little processor time as it can.

It serves tokens, the registry's table, policy states and ingestion, and checks nothing. (The sandbox checks requests,
for the tests.) One thread for each connection and blocking sockets, so that TLS, latency
and inflating run outside the interpreter's lock; pages are encoded once, and only a customer's ids are put in.
"""

from __future__ import annotations

import json
import socket
import sys
import tempfile
import threading
import time
import zlib
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from bench.answers import Answers, remembered
from bench.ledger_table import LedgerTable
from bench.workloads import LEDGER, Workload
from publisher.notifications import NOTIFICATIONS_QUEUE
from registry.notifications.pending_table import PENDING_TABLE
from sandbox.azure.certificates import CertificateAuthority
from verdicts.ledger import LEDGER_TABLE

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

HOST: Final = "127.0.0.1"
RULE_ID: Final = "dcr-00000000000000000000000000000001"
ACCOUNT: Final = "bench"
_HEAD_END: Final = b"\r\n\r\n"
_RECEIVED: Final = 262_144
NO_CONTENT: Final = b"HTTP/1.1 204 No Content\r\n\r\n"
"""How ingestion says that it took an upload."""

_NOTHING_WAITS: Final = b'<?xml version="1.0" encoding="utf-8"?><QueueMessagesList />'
_NO_MESSAGES: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nx-ms-version: 2019-02-02\r\n"
    b"x-ms-approximate-messages-count: 0\r\nContent-Length: %d\r\n\r\n%b" % (len(_NOTHING_WAITS), _NOTHING_WAITS)
)
"""What an empty queue says of its length and of its first message."""

_NO_ROWS: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json;odata=minimalmetadata\r\nx-ms-version: 2019-02-02\r\n"
    b'Content-Length: 12\r\n\r\n{"value":[]}'
)
"""What an empty table says."""


class BenchServer:
    """Two listening sockets: one with TLS for Azure's services, one without for storage and the managed identity."""

    def __init__(self, folder: Path) -> None:
        authority = CertificateAuthority(folder)
        self._context = authority.server_certificate().context()
        self._trust = authority.certificate_file
        self._answers = Answers(Workload("none", 0, 0, 0), "")
        self._ledgers: dict[str, LedgerTable] = {}
        self._ledger = LedgerTable()
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._secure = self._listen(self._context)
        self._plain = self._listen(None)

    @property
    def environment(self) -> dict[str, str]:
        """The product's settings for this server."""
        endpoints = "".join(f"{service}Endpoint={self._plain}/{ACCOUNT};" for service in ("Table", "Queue"))
        return {
            "AZURE_TENANT_ID": "10000000-0000-4000-8000-000000000001",
            "AZURE_CLIENT_ID": "10000000-0000-4000-8000-000000000002",
            "AZURE_CLIENT_SECRET": "not-a-secret",
            "OFFERS": "*",
            "AZURE_AUTHORITY_HOST": self._secure,
            "AZURE_RESOURCE_MANAGER_ENDPOINT": self._secure,
            "IDENTITY_ENDPOINT": f"{self._plain}/identity",
            "IDENTITY_HEADER": "bench",
            "AzureWebJobsStorage": f"AccountName={ACCOUNT};AccountKey=YmVuY2g=;{endpoints}",
            "DATA_COLLECTION_ENDPOINT": self._secure,
            "DATA_COLLECTION_IMMUTABLE_ID": RULE_ID,
            "SSL_CERT_FILE": str(self._trust),
        }

    def play(self, workload: Workload, *, is_steady: bool) -> None:
        """Serve another fleet from now on, and count from nothing.

        A steady fleet is remembered: by the ledger of the last run over it, or as its first run would leave it.
        """
        self._answers = Answers(workload, self._secure)
        if not is_steady:
            self._ledgers.pop(workload.name, None)
        is_new = workload.name not in self._ledgers
        self._ledger = self._ledgers.setdefault(workload.name, LedgerTable())
        if is_new and workload.name == LEDGER.name:
            self._ledger.fill(remembered(workload))
        with self._lock:
            self._counts.clear()

    def report(self) -> dict[str, int]:
        """Return what was counted: tokens by audience, pages, uploads, rows by stream, and uploaded bytes."""
        with self._lock:
            return dict(self._counts)

    def _listen(self, context: ssl.SSLContext | None) -> str:
        listener = socket.create_server((HOST, 0), backlog=1024)
        threading.Thread(target=self._accept, args=(listener, context), daemon=True).start()
        return f"{'https' if context else 'http'}://{HOST}:{listener.getsockname()[1]}"

    def _accept(self, listener: socket.socket, context: ssl.SSLContext | None) -> None:
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection, context), daemon=True).start()

    def _serve(self, connection: socket.socket, context: ssl.SSLContext | None) -> None:
        with suppress(OSError, ValueError):  # the client has gone
            stream = context.wrap_socket(connection, server_side=True) if context else connection
            with stream:
                waiting = b""
                while request := _receive(stream, waiting):
                    method, target, body, waiting = request
                    stream.sendall(self._answer(method, target, body))

    def _answer(self, method: str, target: str, body: bytes) -> bytes:
        path, _, query = target.partition("?")
        answers = self._answers
        if path.endswith("/queryResults"):
            time.sleep(answers.workload.latency_ms / 1000)
            self._count(pages=1)
            return json_answer(answers.page(path, query))
        if path.startswith("/dataCollectionRules/"):
            time.sleep(answers.workload.latency_ms / 1000)
            stream = path.rpartition("/")[2]
            content = zlib.decompress(body, wbits=31)
            # Each row has the column once; looking for it costs next to nothing, parsing would cost a core.
            self._count(**{"uploads": 1, "bytes": len(content), f"rows {stream}": content.count(b'"TimeGenerated":')})
            return NO_CONTENT
        if path.endswith("/oauth2/v2.0/token"):
            self._count(**{f"tokens {_field(body.decode(), 'scope').removesuffix('/.default')}": 1})
            return json_answer(_token(""))
        if path == "/identity":
            resource = _field(query, "resource")
            self._count(**{f"tokens {resource}": 1})
            return json_answer(_token(resource))
        return self._stored(method, path, query, body)

    def _stored(self, method: str, path: str, query: str, body: bytes) -> bytes:
        if path.startswith(f"/{ACCOUNT}/{LEDGER_TABLE}"):
            self._count(**{f"ledger {method}": 1})
            return self._ledger.answer(method, path, query, body)
        if path.startswith(f"/{ACCOUNT}/{NOTIFICATIONS_QUEUE}"):
            return _NO_MESSAGES
        if path.startswith(f"/{ACCOUNT}/{PENDING_TABLE}"):
            return _NO_ROWS
        return self._answers.registry(query)

    def _count(self, **amounts: int) -> None:
        with self._lock:
            self._counts.update(amounts)


def _receive(stream: socket.socket, waiting: bytes) -> tuple[str, str, bytes, bytes] | None:
    """Return the method, target and body of the next request and what came after it, or None at the end."""
    while (end := waiting.find(_HEAD_END)) < 0:
        received = stream.recv(_RECEIVED)
        if not received:
            return None
        waiting += received
    head, rest = waiting[:end].decode("latin-1"), waiting[end + len(_HEAD_END) :]
    first, *lines = head.split("\r\n")
    length = next((int(line[15:]) for line in lines if line[:15].lower() == "content-length:"), 0)
    parts = [rest]
    missing = length - len(rest)
    while missing > 0:
        received = stream.recv(_RECEIVED)
        if not received:
            return None
        parts.append(received)
        missing -= len(received)
    content = b"".join(parts)
    method, target, _ = first.split(" ")
    return method, target, content[:length], content[length:]


def json_answer(content: bytes) -> bytes:
    """Return the whole HTTP answer that has this JSON."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    return head.encode() + content


def _token(resource: str) -> bytes:
    # Both endpoints' fields; a managed identity's expiry is a moment, Entra ID's a number of seconds.
    expires = str(int(time.time()) + 86_400)
    token = {"access_token": "bench", "token_type": "Bearer", "resource": resource}
    return json.dumps(token | {"expires_in": 86_400, "expires_on": expires}).encode()


def _field(form: str, name: str) -> str:
    return next((unquote(part[len(name) + 1 :]) for part in form.split("&") if part.startswith(f"{name}=")), "")


def main() -> None:
    """Serve until standard input ends.

    Each line is a command and its arguments: ``play`` with a workload and whether it is steady, or ``report``; each is
    answered with one line.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        server = BenchServer(Path(folder))

        def play(*, is_steady: bool, **workload: Any) -> dict[str, int]:
            server.play(Workload(**workload), is_steady=is_steady)
            return {}

        commands: dict[str, Callable[..., dict[str, int]]] = {"play": play, "report": server.report}
        print(json.dumps(server.environment), flush=True)
        for line in sys.stdin:
            command, arguments = json.loads(line)
            print(json.dumps(commands[command](**arguments)), flush=True)


if __name__ == "__main__":
    main()
