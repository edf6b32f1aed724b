"""The timer trigger of the nightly discovery."""

import logging
import os
import time
from typing import Final

import azure.functions as func

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]
logger = logging.getLogger(__name__)

_NIGHTLY: Final = "0 47 4 * * *"  # 04:47 UTC, after the daily job has found whoever is only lost from the registry
_SHARE: Final = 5 / 6
"""Of the host's functionTimeout, so that the invocation ends by itself and says what it did not get to."""


@blueprint.timer_trigger(arg_name="timer", schedule=_NIGHTLY, run_on_startup=False, use_monitor=True)
async def discover_applications(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the binding needs it
    """Register applications of ours that no notification told of; does nothing where DISCOVERY is off.

    Raises:
        SettingsError: settings are missing or wrong; the message names every one of them.
        DiscoveryFailed: something could not be searched, registered or told.
    """
    # Imported here: the app must index quickly, and without settings.
    from publisher.configuration.function_timeout import function_timeout  # noqa: PLC0415
    from publisher.settings import DiscoverySettings  # noqa: PLC0415
    from registry.clients import shared_logs_endpoint, shared_refresher  # noqa: PLC0415
    from registry.discovery.nightly import discover_and_register  # noqa: PLC0415

    started = time.monotonic()
    settings = DiscoverySettings.from_environment(os.environ)
    if not settings.is_on:
        logger.info("DISCOVERY is off: nothing was searched")
        return
    reconcile = settings.reconcile
    async with shared_refresher(reconcile) as refresher, shared_logs_endpoint(reconcile) as endpoint:
        deadline = started + function_timeout().total_seconds() * _SHARE
        nightly = await discover_and_register(refresher, endpoint, reconcile.events_stream, deadline=deadline)
    nightly.raise_for_failures()
