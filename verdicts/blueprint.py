"""The timer trigger of the daily job, which holds the registry and the ledger against Azure."""

import os
import time
from typing import Final

import azure.functions as func

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]

_DAILY: Final = "0 17 3 * * *"  # 03:17 UTC, beside the full hours at which collections begin
_SHARE: Final = 5 / 6
"""Of the host's functionTimeout, so that the invocation ends by itself and says what it did not get to."""


@blueprint.timer_trigger(arg_name="timer", schedule=_DAILY, run_on_startup=False, use_monitor=True)
async def reconcile_registry(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the binding needs it
    """Refresh every application that the registry or the ledger knows; raises when some could not be refreshed."""
    # Imported here: the app must index quickly, and without settings.
    from publisher.configuration.function_timeout import function_timeout  # noqa: PLC0415
    from publisher.settings import ReconcileSettings  # noqa: PLC0415
    from registry.clients import shared_logs_endpoint, shared_refresher  # noqa: PLC0415
    from verdicts.daily import hold_against_azure  # noqa: PLC0415
    from verdicts.ledger import Ledger  # noqa: PLC0415

    started = time.monotonic()
    settings = ReconcileSettings.from_environment(os.environ)
    async with (
        shared_refresher(settings) as refresher,
        shared_logs_endpoint(settings) as endpoint,
        Ledger(settings) as ledger,
    ):
        deadline = started + function_timeout().total_seconds() * _SHARE
        result = await hold_against_azure(refresher, ledger, endpoint, settings.events_stream, deadline=deadline)
    result.raise_for_failures()
