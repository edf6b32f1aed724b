"""A small Functions host: loads function_app.py, serves its HTTP routes and fires its timers.

It is a process of its own (``python -m sandbox.functions_host FOLDER``), as on Azure, so that the app sees nothing of
the sandbox but its settings. It knows the Python v2 model's HTTP and timer triggers; an app with any other trigger
does not start.
What the real host has and this one has not: extension bundles, scale-out and a schedule monitor in storage.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import os
import re
import secrets
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import azure.functions as func
from aiohttp import web

from sandbox.functions_http import HttpFunction, Keys
from sandbox.functions_timer import TimerFunction, invoke_timer

if TYPE_CHECKING:
    from collections.abc import Iterable

HOST: Final = "127.0.0.1"
LARGEST_BODY_BYTES: Final = 100 * 1024 * 1024
_SETTING: Final = re.compile(r"%([^%]+)%")

logger = logging.getLogger("sandbox.functions_host")


class IndexingError(Exception):
    """The app cannot be loaded: a setting that a binding names is missing, or a trigger is not one this host knows."""


def load_functions(folder: Path) -> list[func.Function]:
    """Import ``function_app`` from a folder and return its functions.

    Raises:
        IndexingError: the folder has no ``app`` in a function_app.py.
    """
    sys.path.insert(0, str(folder))
    module = importlib.import_module("function_app")
    app = getattr(module, "app", None)
    if not isinstance(app, func.FunctionApp):
        raise IndexingError(f"{folder / 'function_app.py'} has no FunctionApp named app")
    return app.get_functions()


class FunctionsHost:
    """Serves the functions of one app."""

    def __init__(self, functions: Iterable[func.Function], host_json: dict[str, Any]) -> None:
        self.keys = Keys(function=secrets.token_urlsafe(32), master=secrets.token_urlsafe(32))
        self._http: list[HttpFunction] = []
        self._timers: dict[str, TimerFunction] = {}
        prefix = host_json.get("extensions", {}).get("http", {}).get("routePrefix", "api")
        for function in functions:
            trigger = function.get_trigger()
            settings = trigger.get_dict_repr() if trigger else {}
            match settings.get("type"):
                case "httpTrigger":
                    self._http.append(HttpFunction(function, settings, prefix, self.keys))
                case "timerTrigger":
                    timer = TimerFunction(function, settings["name"], _resolved(settings["schedule"]))
                    self._timers[timer.name] = timer
                case kind:
                    raise IndexingError(f"{function.get_function_name()}: this host has no {kind}")

    def application(self) -> web.Application:
        """Return the HTTP application: the app's routes, and the host's own ``/admin/functions``."""
        application = web.Application(client_max_size=LARGEST_BODY_BYTES)
        for function in self._http:
            function.register(application.router)
        application.router.add_get("/admin/functions", self._list_functions)
        application.router.add_post("/admin/functions/{name}", self._run_now)
        return application

    async def fire_timers(self) -> None:
        """Fire every timer on its schedule until cancelled."""
        async with asyncio.TaskGroup() as timers:
            for timer in self._timers.values():
                timers.create_task(timer.run_on_schedule())

    async def _list_functions(self, request: web.Request) -> web.Response:
        self.keys.require_master(request)
        names = [*(function.name for function in self._http), *self._timers]
        return web.json_response([{"name": name} for name in sorted(names)])

    async def _run_now(self, request: web.Request) -> web.Response:
        """Run a timer function. Unlike the real host, which answers at once, this one waits and tells the outcome."""
        self.keys.require_master(request)
        timer = self._timers.get(request.match_info["name"])
        if timer is None:
            raise web.HTTPNotFound
        error = await invoke_timer(timer)
        return web.json_response({"status": "failed" if error else "succeeded", "error": error}, status=202)


def _resolved(text: str) -> str:
    def setting(match: re.Match[str]) -> str:
        value = os.environ.get(match[1])
        if not value:
            raise IndexingError(f"the setting {match[1]} is missing: a function is bound to %{match[1]}%")
        return value

    return _SETTING.sub(setting, text)


async def serve(folder: Path, *, port: int, timers: bool) -> None:
    """Serve the app in a folder until SIGTERM or SIGINT; prints one JSON line with the address and keys when ready."""
    host = FunctionsHost(load_functions(folder), json.loads((folder / "host.json").read_text(encoding="utf-8")))
    runner = web.AppRunner(host.application(), access_log=None, shutdown_timeout=5)
    await runner.setup()
    await web.TCPSite(runner, HOST, port).start()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    url = f"http://{HOST}:{runner.addresses[0][1]}"
    print(json.dumps({"url": url, "function_key": host.keys.function, "master_key": host.keys.master}), flush=True)
    firing = asyncio.create_task(host.fire_timers()) if timers else None
    try:
        await stopped.wait()
    finally:
        if firing is not None:
            firing.cancel()
            await asyncio.gather(firing, return_exceptions=True)
        await runner.cleanup()


def main() -> None:
    """Run the host: ``python -m sandbox.functions_host FOLDER [--port N] [--timers]``."""
    folder = Path(sys.argv[1]).resolve()
    port = int(sys.argv[sys.argv.index("--port") + 1]) if "--port" in sys.argv else 0
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    logging.getLogger("azure").setLevel(logging.WARNING)
    asyncio.run(serve(folder, port=port, timers="--timers" in sys.argv))


if __name__ == "__main__":
    main()
