"""`make sandbox`: everything it prints works when it is pasted, customers can be played, and Ctrl-C ends it cleanly."""

from __future__ import annotations

import http.client
import json
import os
import re
import shlex
import signal
import ssl
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

import psutil
import pytest

from sandbox.functions.process import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator

ONCE_A_YEAR = "0 0 0 1 1 *"
"""Besides the collection at the start: so that what is collected and told does not depend on the time of day."""

SIGNAL_DURING_A_QUERY = """
import os, signal, threading
import duckdb
from sandbox.running import command
from sandbox.__main__ import main

def ask():
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM)).start()
    database = duckdb.connect()
    while True:
        database.execute("select max(hash(x)) from range(50_000_000) numbers(x)")

command.run = lambda *_, **__: ask()
raise SystemExit(main(["run"]))
"""


class Running:
    """A started `python -m sandbox run`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []

    def line(self, *parts: str) -> str:
        """Read on until a line has all parts, and return it."""
        assert self.process.stdout is not None
        while line := self.process.stdout.readline():
            self.lines.append(line.strip())
            if all(part in line for part in parts):
                return line.strip()
        raise AssertionError(f"no line with {parts} in {self.lines}")

    def end(self, number: int) -> int:
        """Send a signal; return the exit status once everything that was started is gone as well."""
        started = psutil.Process(self.process.pid).children(recursive=True)
        assert len(started) == 4, "the emulator and three Functions hosts"
        self.process.send_signal(number)
        self.process.communicate(timeout=60)
        assert psutil.wait_procs(started, timeout=30)[1] == []
        return self.process.returncode


@contextmanager
def running(folder: Path, *options: str) -> Iterator[Running]:
    command = [sys.executable, "-m", "sandbox", "run", "--any-ports", *options]
    environment = os.environ | {"TMPDIR": str(folder)}
    with subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Running(process)
        finally:
            process.terminate()


def request(
    method: str, url: str, body: str | None = None, authority: str | None = None, status: int = 200, **headers: str
) -> Any:
    parts = urlsplit(url)
    if parts.scheme == "https":
        context = ssl.create_default_context(cafile=authority)
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(parts.netloc, context=context)
    else:
        connection = http.client.HTTPConnection(parts.netloc)
    connection.request(method, f"{parts.path}?{parts.query}", body, headers)
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    assert response.status == status, answer
    return answer


def curl(command: str) -> Any:
    """Do what a printed curl command would do."""
    words = iter(shlex.split(command))
    assert next(words) == "curl"
    method, url, body, authority = "GET", "", None, None
    headers: dict[str, str] = {}
    for word in words:
        match word:
            case "-X":
                method = next(words)
            case "-d":
                body = next(words)
            case "--cacert":
                authority = next(words)
            case "-H":
                header = next(words)
                text = Path(header[1:]).read_text(encoding="utf-8") if header.startswith("@") else header
                name, _, value = text.strip().partition(": ")
                headers[name] = value
            case "-i":
                pass
            case _:
                url = word
    return request(method, url, body, authority, **headers)


def documented(document: str, printed: str) -> list[str]:
    """The commands by which a document asks the API, with the address and the token of a printed one."""
    _, _, header, url = shlex.split(printed)
    text = (REPOSITORY / document).read_text(encoding="utf-8")
    asked = re.findall(
        r'^printf .* "\$TOKEN" \| curl (?:--fail )?--header @- "\$API/compliance(\S*)"$', text, re.MULTILINE
    )
    return [f"curl -H {shlex.quote(header)} {shlex.quote(url + rest)}" for rest in asked]


def look_at(operations_page: str) -> str:
    """Open an address as a browser does, which keeps the session that a sign-in gives."""
    with urllib.request.build_opener(urllib.request.HTTPCookieProcessor()).open(operations_page, timeout=20) as page:
        return page.read().decode()


def test_every_printed_command_works_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    with running(tmp_path, "--schedule", ONCE_A_YEAR) as sandbox:
        page = sandbox.line("Operations page").split()[-1]
        sandbox.line("Tailspin has deployed")
        notify = sandbox.line("curl -i -X POST")
        ask = sandbox.line("curl", "/api/compliance")
        query = sandbox.line("curl --cacert")
        collect = sandbox.line("-m collector")
        play = sandbox.line("curl -X POST", "/contoso/break")
        deploy = sandbox.line("curl -X POST", "/litware")
        sandbox.line("The operations page of a host of your own")
        own_host = urlsplit(sandbox.line("/.auth/login/aad"))
        sandbox.line("collected (timer): 3 applications, 27 states, 1 not compliant")
        sandbox.line("alert Sev2 Fired: Managed application is not compliant: Fabrikam, fabrikam-analytics")

        assert "<title>Policy compliance of the fleet</title>" in look_at(page)
        with pytest.raises(HTTPError, match="401"):
            urllib.request.urlopen(f"http://{own_host.netloc}/api/compliance", timeout=20)
        assert curl(ask)["applications"]["total"] == 3
        fleet, applications = (curl(command) for command in documented("README.md", ask))
        assert len(documented("docs/api.md", ask)) == 1, "the API's own page asks in the same way"
        assert (fleet["applications"]["total"], fleet["applications"]["compliant"]) == (3, 2)
        assert [one["customer"] for one in applications["applications"]] == ["Fabrikam"]
        assert curl(notify)["result"] == "Queued"
        sandbox.line("front: notification", "PUT/Succeeded", "tailspin-analytics: 200 queued")
        sandbox.line("PUT/Succeeded of tailspin-analytics: Registered")
        assert len(curl(query)["tables"][0]["rows"]) >= 3
        assert curl(play)["noncompliantStates"] == 1
        assert curl(deploy)["notifications"] == {"litware: PUT/Accepted": 200, "litware: PUT/Succeeded": 200}
        finished = subprocess.run(
            ["/bin/sh", "-c", collect], cwd=REPOSITORY, capture_output=True, text=True, check=False
        )
        assert finished.returncode == 0, finished.stderr
        sandbox.line("collected (command line): 5 applications, 45 states, 2 not compliant")
        sandbox.line("alert Sev2 Fired: Managed application is not compliant: ", "contoso-analytics")
        assert sandbox.end(signal.SIGINT) == 0
    assert list(tmp_path.iterdir()) == []


def test_the_addresses_are_one_line_of_json_and_customers_can_be_played(tmp_path: Path) -> None:
    with running(tmp_path, "--json") as sandbox:
        addresses = json.loads(sandbox.line("{"))
        customers, api = addresses["customersUrl"], addresses["api"]
        assert "<title>" in look_at(addresses["operationsPage"])
        assert "unread" in request("GET", f"{api['url']}/compliance", Authorization=f"Bearer {api['token']}")
        assert request("POST", f"{customers}/fabrikam/repair")["noncompliantStates"] == 0
        assert request("POST", f"{customers}/northwind/revoke")["publisherHasAccess"] is False
        assert request("POST", f"{customers}/northwind/restore")["publisherHasAccess"] is True
        assert request("POST", f"{customers}/contoso/delete")["deployed"] is False
        described = {customer["customer"]: customer for customer in request("GET", customers)}
        assert set(described) == {"contoso", "fabrikam", "northwind", "tailspin"}
        request("POST", f"{customers}/contoso/repair", status=404)
        request("POST", f"{customers}/nobody/repair", status=404)
        request("POST", f"{customers}/fabrikam/praise", status=404)
        request("POST", f"{customers}/fabrikam", status=409)
        request("POST", f"{customers}/1%2F2", status=400)
        assert sandbox.end(signal.SIGTERM) == 0
    assert sandbox.lines[1:] == []
    assert list(tmp_path.iterdir()) == []


def test_a_signal_during_a_query_ends_it_as_cleanly() -> None:
    command = [sys.executable, "-c", SIGNAL_DURING_A_QUERY]
    finished = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False)
    assert (finished.returncode, finished.stderr) == (0, "")


@pytest.mark.parametrize("arguments", [[], ["unknown"], ["run", "--unknown"], ["serve", "--latency", "x=1"]])
def test_wrong_usage_is_a_two(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "sandbox", *arguments]
    finished = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert finished.returncode == 2
    assert "usage: python -m sandbox" in finished.stderr
