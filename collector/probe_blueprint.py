"""The timer of the probe on Azure Functions; function_app registers it where the settings switch the probe on."""

import logging
import os
from dataclasses import asdict

import azure.functions as func

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]
logger = logging.getLogger(__name__)


@blueprint.timer_trigger(arg_name="timer", schedule="%PROBE_SCHEDULE%", run_on_startup=False, use_monitor=True)
async def bring_turns_forward(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the trigger's name for it
    """Ask Azure Resource Graph whose policy states changed, and collect those applications at once.

    It collects them itself, whatever COLLECTION_MODE is.

    Raises:
        SettingsError: settings are missing or wrong; the message names every one of them.
        ProbeFailedError: something could not be asked or collected.
    """
    from collector.probe import bring_forward  # noqa: PLC0415 - so that indexing the app imports no SDK
    from publisher.settings import ProbeSettings  # noqa: PLC0415

    settings = ProbeSettings.from_environment(os.environ)
    probed = await bring_forward(settings.collector, probes_in_an_interval=settings.probes_in_an_interval)
    logger.info("the probe is done", extra={"probe": asdict(probed)})
    if failure := probed.failure:
        raise failure
