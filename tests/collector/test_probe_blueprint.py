"""The probe's timer, called as the Functions host calls it."""

from __future__ import annotations

import azure.functions as func
import pytest

from collector.probe import ProbeFailedError
from collector.probe_blueprint import blueprint
from publisher.settings import SettingsError
from sandbox.faults.effects import Status
from sandbox.faults.operations import GraphQuery
from tests.collector.conftest import Fleet
from tests.functions import Tick


def probe_timer() -> func.Function:
    app = func.FunctionApp()
    app.register_functions(blueprint)
    (function,) = app.get_functions()
    return function


@pytest.fixture
def switched_on(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert "PROBE_SCHEDULE" not in environment
    monkeypatch.setenv("PROBE_SCHEDULE", "0 */5 * * * *")


def test_it_runs_on_the_schedule_of_the_settings_and_never_on_startup() -> None:
    trigger = probe_timer().get_trigger()
    assert trigger is not None
    found = trigger.get_dict_repr()
    assert (found["type"], found["schedule"]) == ("timerTrigger", "%PROBE_SCHEDULE%")
    assert (found["runOnStartup"], found["useMonitor"]) == (False, True)


@pytest.mark.usefixtures("switched_on")
@pytest.mark.parametrize("mode", ["inline", "fan-out"])
async def test_it_collects_who_is_due_in_both_modes(fleet: Fleet, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLLECTION_MODE", mode)
    (contoso,) = await fleet.deploy("Contoso")
    await fleet.collect()
    contoso.break_resource("storage1", "secure-transfer")

    await probe_timer().get_user_function()(Tick())

    assert fleet.verdicts(contoso)["secure-transfer"]["Verdict"] == "NonCompliant"


@pytest.mark.usefixtures("switched_on")
async def test_what_could_not_be_asked_fails_the_invocation(fleet: Fleet) -> None:
    await fleet.deploy("Contoso")
    await fleet.collect()
    fleet.sandbox.faults.add(GraphQuery(), Status(403))
    with pytest.raises(ProbeFailedError, match="Azure Resource Graph: AuthorizationFailed"):
        await probe_timer().get_user_function()(Tick())


@pytest.mark.usefixtures("switched_on")
async def test_a_schedule_that_brings_nothing_forward_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROBE_SCHEDULE", "0 0 */2 * * *")
    with pytest.raises(SettingsError, match="PROBE_SCHEDULE: has 120 minutes between two probes"):
        await probe_timer().get_user_function()(Tick())
