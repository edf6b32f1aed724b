"""Loads the functions of a function_app.py, each with its trigger, and refuses those that this host cannot run."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import logging
import re
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import azure.functions as func

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_SETTING: Final = re.compile(r"%([^%]+)%")
_RETURN: Final = "$return"

logger = logging.getLogger("sandbox.functions.host")


class IndexingError(Exception):
    """The app cannot be loaded; the message names the function or the setting and says what is wrong."""


@dataclass(frozen=True, slots=True)
class UserFunction:
    """One function of the app: `trigger` is its trigger's binding, as the Functions extension names its parts."""

    name: str
    trigger: Mapping[str, Any]
    call: Callable[..., Any]

    async def invoke(self, value: object) -> Any:
        """Run the function with what triggered it, log how that went, and return its answer or raise its exception.

        A function that is no coroutine runs in a thread, as in Azure's worker.
        """
        arguments = {self.trigger["name"]: value}
        started = time.monotonic()
        try:
            if inspect.iscoroutinefunction(self.call):
                answer = await self.call(**arguments)
            else:
                answer = await asyncio.to_thread(self.call, **arguments)
        except Exception:
            logger.exception("Executed '%s' (Failed, %d ms)", self.name, (time.monotonic() - started) * 1000)
            raise
        logger.info("Executed '%s' (Succeeded, %d ms)", self.name, (time.monotonic() - started) * 1000)
        return answer


def load_functions(folder: Path) -> list[UserFunction]:
    """Import ``function_app`` from a folder and return its functions.

    Raises:
        IndexingError: there is none, it cannot be imported, or it has a function that this host cannot run.
    """
    if not (folder / "function_app.py").is_file():
        raise IndexingError(f"{folder} has no function_app.py")
    sys.path.insert(0, str(folder))
    try:
        app = getattr(importlib.import_module("function_app"), "app", None)
    except Exception as error:
        raise IndexingError(f"function_app.py cannot be imported: {type(error).__name__}: {error}") from error
    if not isinstance(app, func.FunctionApp):
        raise IndexingError("function_app.py has no FunctionApp named app")
    return index_functions(app)


def index_functions(app: func.FunctionApp) -> list[UserFunction]:
    """Return an app's functions; raise IndexingError when it has one that this host cannot run."""
    try:
        functions = app.get_functions()
    except Exception as error:
        raise IndexingError(f"the functions cannot be indexed: {type(error).__name__}: {error}") from error
    return [_checked(function) for function in functions]


def resolved(text: str, variables: Mapping[str, str]) -> str:
    """Return a binding's text with every ``%SETTING%`` replaced; raise IndexingError naming the one that is missing."""

    def setting(match: re.Match[str]) -> str:
        value = variables.get(match[1], "")
        if not value:
            raise IndexingError(f"the setting {match[1]} is missing: a function is bound to %{match[1]}%")
        return value

    return _SETTING.sub(setting, text)


def is_disabled(function: str, variables: Mapping[str, str]) -> bool:
    """Tell whether ``AzureWebJobs.<function>.Disabled`` switches a function off.

    Source: https://learn.microsoft.com/azure/azure-functions/disable-function
    """
    return variables.get(f"AzureWebJobs.{function}.Disabled", "").lower() in {"true", "1"}


def _checked(function: func.Function) -> UserFunction:
    name = function.get_function_name() or ""
    trigger = function.get_trigger()
    if trigger is None:
        raise IndexingError(f"{name} has no trigger")
    call = function.get_user_function()
    bound = trigger.get_dict_repr()
    others = [binding.type for binding in function.get_bindings() if binding is not trigger and binding.name != _RETURN]
    if others:
        raise IndexingError(f"{name}: this host has no bindings besides triggers, and the function has {others}")
    if function.get_settings_dict("retry_policy"):
        raise IndexingError(f"{name}: this host has no retry policies")
    parameters = set(inspect.signature(call).parameters)
    if parameters != {bound["name"]}:
        raise IndexingError(f"{name} takes {sorted(parameters)}, and its trigger is bound to {bound['name']!r}")
    return UserFunction(name, bound, call)
