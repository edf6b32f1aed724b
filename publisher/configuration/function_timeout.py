"""How long the Functions host lets an invocation run: functionTimeout of host.json, or the app setting in its place.

Source: https://learn.microsoft.com/azure/azure-functions/functions-host-json#functiontimeout, and the host's own
ScriptJobHostOptionsSetup: a time span of .NET, or -1 for no limit, where the plan allows one.
"""

import json
import os
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

from publisher.environment import SettingsError
from publisher.texts import trimmed

HOST_JSON: Final = Path(__file__).resolve().parent.parent.parent / "host.json"
OVERRIDE: Final = "AzureFunctionsJobHost__functionTimeout"

_NAME: Final = "functionTimeout"
_BY_PLAN: Final = timedelta(minutes=30)
_OF_CONSUMPTION, _LONGEST_OF_CONSUMPTION = timedelta(minutes=5), timedelta(minutes=10)
UNLIMITED: Final = timedelta(days=1)
"""What "no limit" is for us: a run that takes longer is stuck, and has to end and say so."""

_SPAN: Final = re.compile(
    r"(?:(?P<days>\d{1,8})(?:\.|:(?=\d+:\d+:)))?(?P<hours>\d{1,8}):(?P<minutes>\d{1,2})"
    r"(?::(?P<seconds>\d{1,2})(?:\.(?P<fraction>\d{1,7}))?)?",
    re.ASCII,
)
_HOURS_OF_A_DAY: Final = 24


def function_timeout(variables: Mapping[str, str] | None = None, host_json: Path = HOST_JSON) -> timedelta:
    """Return how long an invocation may run; raise SettingsError, which names the setting.

    Args:
        variables: the environment, of this process by default.
        host_json: the host's settings, which those of the environment override.
    """
    variables = os.environ if variables is None else variables
    name, value = _override(variables) or ("host.json", _of_host_json(host_json))
    is_consumption = _is_consumption(variables)
    if value is None:
        return _OF_CONSUMPTION if is_consumption else _BY_PLAN
    span = _span(str(value).strip())
    if span is None:
        raise _problem(name, "is no time span; give one as in 00:30:00, or -1 for no limit")
    if is_consumption and (span == UNLIMITED or span > _LONGEST_OF_CONSUMPTION):
        raise _problem(name, "is more than the ten minutes that the Consumption plan allows; give 00:10:00")
    return span


def _override(variables: Mapping[str, str]) -> tuple[str, str] | None:
    """Return name and value of the app setting that stands in for the one of host.json; the host reads any casing."""
    for name in sorted(variables, reverse=True):
        if name.replace(":", "__").lower() == OVERRIDE.lower():
            return name, trimmed(variables[name])
    return None


def _of_host_json(path: Path) -> object:
    """Return the value in host.json; None when it has none."""
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise SettingsError(
            (f"host.json: cannot be read ({type(error).__name__}); deploy the package again",)
        ) from None
    if not isinstance(document, dict):
        raise SettingsError(("host.json: is no JSON object; deploy the package again",))
    return next((value for name, value in document.items() if name.lower() == _NAME.lower()), None)


def _span(text: str) -> timedelta | None:
    """Return what .NET reads in a text; None for what is no time span, and for less than the second that it asks for.

    A number alone is days, and so are hours from 24 on, as in 24:00:00: the rest is then hours and minutes.
    """
    if text == "-1":
        return UNLIMITED
    if re.fullmatch(r"\d{1,8}", text, re.ASCII):
        text += ".00:00:00"
    found = _SPAN.fullmatch(text)
    if found is None:
        return None
    days, hours, minutes, seconds = (int(found[part] or 0) for part in ("days", "hours", "minutes", "seconds"))
    fraction = f"0.{found['fraction'] or 0}"
    if hours >= _HOURS_OF_A_DAY and not found["days"] and found["seconds"] and not found["fraction"]:
        days, hours, minutes, seconds = hours, minutes, seconds, 0
    if hours >= _HOURS_OF_A_DAY or max(minutes, seconds) >= 60:  # noqa: PLR2004
        return None
    span = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds + float(fraction))
    return span if span >= timedelta(seconds=1) else None


def _is_consumption(variables: Mapping[str, str]) -> bool:
    """Tell whether the plan is Consumption, whose invocations are cut short; Flex Consumption is another one."""
    plan = variables.get("WEBSITE_SKU", "")
    is_in_a_container = all(map(variables.get, ("WEBSITE_SITE_NAME", "CONTAINER_NAME")))  # Linux, which names no plan
    return plan == "Dynamic" or (not plan and is_in_a_container)


def _problem(name: str, text: str) -> SettingsError:
    return SettingsError((f"{name}: {_NAME} {text}" if name == "host.json" else f"{name}: {text}",))
