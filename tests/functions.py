"""The functions of the Functions app as the platform hands them out, and what it calls them with."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path

import azure.functions as func
import pytest

from publisher.roles import PLATFORM_VARIABLES, ROLE_SETTING

APP = Path(__file__).parents[1] / "function_app.py"


class Tick(func.TimerRequest):
    """What a timer is called with."""

    @property
    def past_due(self) -> bool:
        return False


@functools.cache
def functions(role: str = "local") -> dict[str, func.Function]:
    """The functions of the app with this role, by name."""
    with pytest.MonkeyPatch.context() as patch:
        for name in PLATFORM_VARIABLES:
            patch.delenv(name, raising=False)
        patch.setenv(ROLE_SETTING, role)
        specification = importlib.util.spec_from_file_location(f"function_app_{role}", APP)
        assert specification
        assert specification.loader
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
        return {function.get_function_name() or "": function for function in module.app.get_functions()}


def trigger_of(name: str, role: str = "local") -> dict[str, object]:
    """The trigger of a function, with the names that the Functions extension has for its parts."""
    trigger = functions(role)[name].get_trigger()
    assert trigger is not None
    return {
        key: str(getattr(value, "value", value)) if key == "authLevel" else value
        for key, value in trigger.get_dict_repr().items()
    }
