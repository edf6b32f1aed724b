"""The collector on Azure Functions: a timer, and nothing but what a trigger needs."""

import logging
import os

import azure.functions as func

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]
logger = logging.getLogger(__name__)


@blueprint.timer_trigger(arg_name="timer", schedule="%COLLECTION_SCHEDULE%", run_on_startup=False, use_monitor=True)
async def collect_policy_states(timer: func.TimerRequest) -> None:
    """Collect the policy states of every registered application.

    Raises:
        SettingsError: settings are missing or wrong; the message names every one of them.
        CollectionFailedError: the run did not do its work.
    """
    # Imported here: the app must index quickly, and without the Azure SDKs being any good to the other functions.
    from collector.run import failure_of, run_collection  # noqa: PLC0415
    from publisher.settings import CollectorSettings  # noqa: PLC0415

    summary = await run_collection(
        CollectorSettings.from_environment(os.environ), trigger="timer, past due" if timer.past_due else "timer"
    )
    logger.info("collection finished", extra={"collection": summary.totals()})
    if failure := failure_of(summary, partial_run=False):
        raise failure
