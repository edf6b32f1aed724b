"""A small Functions host: loads function_app.py, serves its HTTP routes and fires its timers.

It is a process of its own (``python -m sandbox.functions.host FOLDER``), as on Azure, so that the app sees nothing of
the sandbox but its settings. It knows the Python v2 model's HTTP, timer and queue triggers; an app with anything else
does not start. What the real host has and this one has not: extension bundles, scale-out and a schedule monitor in
storage.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import secrets
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from sandbox.functions.door import require_door_key
from sandbox.functions.host_json import host_json
from sandbox.functions.http import HttpFunction, Keys
from sandbox.functions.index import IndexingError, UserFunction, is_disabled, load_functions, resolved
from sandbox.functions.local_settings import local_settings
from sandbox.functions.queue import HIDDEN_SECONDS, QueueFunction, QueueOptions
from sandbox.functions.timer import TimerFunction

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

HOST: Final = "127.0.0.1"
LARGEST_BODY_BYTES: Final = 100 * 1024 * 1024

logger = logging.getLogger("sandbox.functions.host")


class FunctionsHost:
    """Serves the functions of one app, except those that ``AzureWebJobs.<function>.Disabled`` switches off.

    Args:
        functions: the app's functions.
        host_json: the content of its host.json.
        variables: the app settings, which bindings may name.
        hidden_seconds: how long a queue message stays hidden when the host dies while working on it.
        behind_sign_in: answers nobody who does not show the door key: in Azure nothing leads round the sign-in.
    """

    def __init__(
        self,
        functions: Iterable[UserFunction],
        host_json: Mapping[str, Any],
        variables: Mapping[str, str],
        hidden_seconds: float = HIDDEN_SECONDS,
        *,
        behind_sign_in: bool = False,
    ) -> None:
        self.door_key = secrets.token_urlsafe(32) if behind_sign_in else ""
        self.keys = Keys(function=secrets.token_urlsafe(32), master=secrets.token_urlsafe(32))
        self.disabled: list[str] = []
        """The names of the functions that are switched off: nothing of them runs, and their bindings are not read."""
        self._http: list[HttpFunction] = []
        self._timers: dict[str, TimerFunction] = {}
        self._queues: list[QueueFunction] = []
        queues = QueueOptions.of(host_json, hidden_seconds)
        prefix = host_json.get("extensions", {}).get("http", {}).get("routePrefix", "api").strip("/")
        for function in functions:
            if is_disabled(function.name, variables):
                self.disabled.append(function.name)
                continue
            match function.trigger["type"]:
                case "httpTrigger":
                    self._http.append(HttpFunction(function, prefix, self.keys))
                case "timerTrigger":
                    schedule = resolved(function.trigger["schedule"], variables)
                    self._timers[function.name] = TimerFunction(function, schedule)
                case "queueTrigger":
                    self._queues.append(QueueFunction(function, queues, variables))
                case kind:
                    raise IndexingError(f"{function.name}: this host has no {kind}")
        self._http.sort(key=lambda function: function.precedence)
        self.disabled.sort()

    @property
    def names(self) -> list[str]:
        """The names of all functions that are served."""
        http, queues = ([function.name for function in functions] for functions in (self._http, self._queues))
        return sorted([*http, *queues, *self._timers])

    def application(self) -> web.Application:
        """Return the HTTP application: the app's routes, and the host's own ``/admin/functions``."""
        application = web.Application(client_max_size=LARGEST_BODY_BYTES)
        application.router.add_get("/admin/functions", self._list_functions)
        application.router.add_post("/admin/functions/{name}", self._run_now)
        application.router.add_route("*", "/{path:.*}", self._serve)
        return application

    async def fire_timers(self) -> None:
        """Fire every timer on its schedule until cancelled."""
        async with asyncio.TaskGroup() as timers:
            for timer in self._timers.values():
                timers.create_task(timer.run_on_schedule())

    async def listen_to_queues(self) -> None:
        """Take messages from every queue that a function is bound to until cancelled."""
        async with asyncio.TaskGroup() as listeners:
            for queue in self._queues:
                listeners.create_task(queue.listen())

    async def _serve(self, request: web.Request) -> web.Response:
        require_door_key(request, self.door_key)
        for function in self._http:
            if (parameters := function.match(request)) is not None:
                return await function.serve(request, parameters)
        # A wrong method as well: Azure answers 404, not 405 (github.com/Azure/azure-functions-host/issues/10098).
        raise web.HTTPNotFound(text="")

    async def _list_functions(self, request: web.Request) -> web.Response:
        self.keys.require_master(request)
        listed = [(name, False) for name in self.names] + [(name, True) for name in self.disabled]
        return web.json_response([{"name": name, "isDisabled": disabled} for name, disabled in sorted(listed)])

    async def _run_now(self, request: web.Request) -> web.Response:
        """Run a timer function. Unlike the real host, which answers at once, this one waits and tells the outcome."""
        self.keys.require_master(request)
        timer = self._timers.get(request.match_info["name"])
        if timer is None:
            raise web.HTTPNotFound(text="")
        error = await timer.invoke()
        return web.json_response({"status": "failed" if error else "succeeded", "error": error}, status=202)


async def serve(
    folder: Path, *, port: int, timers: bool, follow_stdin: bool, hidden_seconds: float, behind_sign_in: bool = False
) -> None:
    """Serve the app in a folder until SIGTERM or SIGINT; prints one JSON line with the address and keys when ready.

    Args:
        folder: where function_app.py and host.json are.
        port: 0 for a free one.
        timers: whether timers fire on their schedules, and not only when asked for.
        follow_stdin: also end with standard input, so that the host never outlives whoever started it.
        hidden_seconds: see FunctionsHost.
        behind_sign_in: see FunctionsHost.

    Raises:
        IndexingError: the app cannot be loaded.
    """
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    if follow_stdin:
        loop.add_reader(sys.stdin.fileno(), _stop_at_end_of_stdin, stopped)
    functions, options = load_functions(folder), host_json(folder, os.environ)
    host = FunctionsHost(functions, options, os.environ, hidden_seconds, behind_sign_in=behind_sign_in)
    runner = web.AppRunner(host.application(), access_log=None, shutdown_timeout=5)
    await runner.setup()
    await web.TCPSite(runner, HOST, port).start()
    ready = {
        "url": f"http://{HOST}:{runner.addresses[0][1]}",
        "functions": host.names,
        "disabled": host.disabled,
        "function_key": host.keys.function,
        "master_key": host.keys.master,
        "door_key": host.door_key,
    }
    print(json.dumps(ready), flush=True)
    triggers = [asyncio.create_task(host.listen_to_queues())]
    if timers:
        triggers.append(asyncio.create_task(host.fire_timers()))
    try:
        await stopped.wait()
    finally:
        for trigger in triggers:
            trigger.cancel()
        await asyncio.gather(*triggers, return_exceptions=True)
        await runner.cleanup()


def _stop_at_end_of_stdin(stopped: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 1024):
        stopped.set()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox.functions.host", description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where function_app.py and host.json are")
    parser.add_argument("--port", type=int, default=0, help="a free one by default")
    parser.add_argument(
        "--settings", type=Path, metavar="FILE", help="a local.settings.json; variables of the environment win over it"
    )
    parser.add_argument("--timers", action="store_true", help="fire timers on their schedules")
    parser.add_argument("--behind-sign-in", action="store_true", help="answer nobody but the sign-in before this host")
    parser.add_argument("--follow-stdin", action="store_true", help="end when standard input ends")
    parser.add_argument(
        "--hidden-seconds",
        type=float,
        default=HIDDEN_SECONDS,
        help="how long a message that was worked on stays hidden",
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the host; return 0 after a signal, 1 when the app cannot be loaded."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    logging.getLogger("azure").setLevel(logging.WARNING)
    try:
        if options.settings is not None:
            for name, value in local_settings(options.settings).items():
                os.environ.setdefault(name, value)
        asyncio.run(
            serve(
                options.folder.resolve(),
                port=options.port,
                timers=options.timers,
                follow_stdin=options.follow_stdin,
                hidden_seconds=options.hidden_seconds,
                behind_sign_in=options.behind_sign_in,
            )
        )
    except IndexingError as error:
        logger.critical("The app does not start: %s", error, exc_info=error.__cause__)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
