"""Runs the Functions host as a child process with app settings, and calls it over HTTP."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import IO

REPOSITORY: Final = Path(__file__).resolve().parents[2]
START_TIMEOUT_SECONDS: Final = 60.0
STOP_TIMEOUT_SECONDS: Final = 10.0
ANSWER_TIMEOUT_SECONDS: Final = 230.0
"""The longest that Azure Functions lets an HTTP answer take."""

_INHERITED: Final = ("PATH", "HOME", "TMPDIR", "TEMP", "SYSTEMROOT", "LD_LIBRARY_PATH")


def inherited() -> dict[str, str]:
    """Return what a process of the product gets of this machine's environment, besides settings."""
    return {name: os.environ[name] for name in _INHERITED if name in os.environ} | {"PYTHONUTF8": "1"}


class FunctionsHostFailedError(Exception):
    """The host did not start, or went away. The message holds the end of its log."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an HTTP request was answered with."""

    status: int
    body: str


def send(
    base_url: str, method: str, target: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None
) -> Answer:
    """Send one HTTP request and return what it was answered with; OSError when nobody answers.

    `target` is path and query. Redirects are not followed.
    """
    connection = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=ANSWER_TIMEOUT_SECONDS)
    try:
        connection.request(method, target, body=body, headers=dict(headers or {}))
        response = connection.getresponse()
        return Answer(response.status, response.read().decode("utf-8", "replace"))
    finally:
        connection.close()


class FunctionsProcess:
    """One running Functions host; a context manager.

    Args:
        settings: the app settings, which are the app's environment.
        settings_file: a local.settings.json with more of them, as a path in this project.
        folder: where function_app.py and host.json are; this project by default.
        port: where it listens, 0 for a free one.
        timers: whether timers fire on their schedules, and not only when asked for.
        on_log: is called, in another thread, with each line that the host logs.
        hidden_seconds: how long a message stays hidden when the host dies while working on it; as in Azure by default.
        behind_sign_in: answers nobody who does not show `door_key`.
    """

    def __init__(
        self,
        settings: Mapping[str, str],
        *,
        settings_file: str | None = None,
        folder: Path = REPOSITORY,
        port: int = 0,
        timers: bool = False,
        on_log: Callable[[str], None] = lambda _: None,
        hidden_seconds: float | None = None,
        behind_sign_in: bool = False,
    ) -> None:
        self._settings = dict(settings)
        self._settings_file = settings_file
        self._folder = folder
        self._port = port
        self._timers = timers
        self._on_log = on_log
        self._hidden_seconds = hidden_seconds
        self._behind_sign_in = behind_sign_in
        self._log: deque[str] = deque(maxlen=5000)
        self._process: subprocess.Popen[str] | None = None
        self._threads: list[threading.Thread] = []
        self._ready: dict[str, Any] = {}
        self._started = threading.Event()

    @property
    def url(self) -> str:
        """The address, without a slash at the end."""
        return str(self._ready["url"])

    @property
    def functions(self) -> list[str]:
        """The names of the functions that the host serves."""
        return list(self._ready["functions"])

    @property
    def disabled(self) -> list[str]:
        """The names of the functions that the settings switch off."""
        return list(self._ready["disabled"])

    @property
    def function_key(self) -> str:
        """The key that callers of functions give as ``code``."""
        return str(self._ready["function_key"])

    @property
    def master_key(self) -> str:
        """The key that the host's admin endpoints take."""
        return str(self._ready["master_key"])

    @property
    def door_key(self) -> str:
        """What the sign-in before the host shows to it; "" when there is none."""
        return str(self._ready["door_key"])

    @property
    def process_id(self) -> int | None:
        """The operating system's id of the running host, None when stopped."""
        return self._process.pid if self._process else None

    @property
    def is_running(self) -> bool:
        """Whether the host runs now."""
        return self._process is not None and self._process.poll() is None

    def log(self, lines: int = 40) -> str:
        """Return the last lines that the host has logged."""
        return "\n".join(list(self._log)[-lines:])

    def __enter__(self) -> Self:
        try:
            self.launch()
            self.wait_until_ready()
        except BaseException:  # a signal as well: whoever is interrupted while waiting must not leave the host behind
            self.stop()
            raise
        return self

    def launch(self) -> None:
        """Start the host without waiting for it, so that several start side by side; `stop` ends it."""
        command = [sys.executable, "-m", "sandbox.functions.host", str(self._folder), "--follow-stdin"]
        command += ["--port", str(self._port)]
        if self._settings_file is not None:
            command += ["--settings", self._settings_file]
        if self._hidden_seconds is not None:
            command += ["--hidden-seconds", str(self._hidden_seconds)]
        switches = {"--timers": self._timers, "--behind-sign-in": self._behind_sign_in}
        self._process = subprocess.Popen(
            [*command, *(name for name, is_on in switches.items() if is_on)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            cwd=REPOSITORY,
            env=inherited() | self._settings,
            start_new_session=True,  # Ctrl-C is for whoever started the host, who then ends it in good order
        )
        for read, stream in ((self._read_output, self._process.stdout), (self._read_log, self._process.stderr)):
            thread = threading.Thread(target=read, args=(stream,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def wait_until_ready(self) -> None:
        """Wait until a launched host serves; raise FunctionsHostFailedError when it does not."""
        process = self._process
        if process is None:
            raise FunctionsHostFailedError("The Functions host was not launched")
        if not self._started.wait(START_TIMEOUT_SECONDS) or not self._ready:
            process.terminate()  # so that its log comes to an end
            self._join()
            raise FunctionsHostFailedError(f"The Functions host did not start:\n{self.log()}")

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the host. Does nothing when it is not running."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_TIMEOUT_SECONDS)
        self._join()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Send one HTTP request to the host.

        Raises:
            FunctionsHostFailedError: it does not answer.
        """
        try:
            return send(self.url, method, f"{path}?{urlencode(query or {})}", headers=headers, body=body)
        except OSError as error:
            raise FunctionsHostFailedError(f"The Functions host does not answer: {error}\n{self.log()}") from error

    def run_timer(self, name: str) -> str | None:
        """Run a timer function now, wait for its end, and return why it failed, or None."""
        answer = self.send("POST", f"/admin/functions/{name}", headers={"x-functions-key": self.master_key})
        if answer.status != http.client.ACCEPTED:
            raise FunctionsHostFailedError(f"The Functions host answered {answer.status} to running {name}")
        error: str | None = json.loads(answer.body)["error"]
        return error

    def _join(self) -> None:
        for thread in self._threads:
            thread.join(STOP_TIMEOUT_SECONDS)

    def _read_output(self, stream: IO[str]) -> None:
        line = stream.readline()
        if line:
            self._ready = json.loads(line)
        self._started.set()
        for more in stream:  # what the app prints
            self._log.append(more.rstrip())

    def _read_log(self, stream: IO[str]) -> None:
        for line in stream:
            self._log.append(line.rstrip())
            self._on_log(line.rstrip())
