"""The collector on Azure Functions: a timer, the queue of a fanned-out run, and nothing but what triggers need."""

import logging
import os
from typing import Final

import azure.functions as func

from collector.fan_out import POISONED_SHARDS_QUEUE, SHARDS_QUEUE

CONNECTION: Final = "AzureWebJobsStorage"

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]
logger = logging.getLogger(__name__)


@blueprint.timer_trigger(arg_name="timer", schedule="%COLLECTION_SCHEDULE%", run_on_startup=False, use_monitor=True)
async def collect_policy_states(timer: func.TimerRequest) -> None:
    """Collect the policy states of every registered application, or hand them out in shards.

    Raises:
        AzureFailure: the registry could not be handed out.
        SettingsError: settings are missing or wrong; the message names every one of them.
        CollectionFailedError: the run did not do its work.
    """
    # Imported here: the app must index quickly, and without the Azure SDKs being any good to the other functions.
    from publisher.settings import CollectorSettings  # noqa: PLC0415

    settings = CollectorSettings.from_environment(os.environ)
    trigger = "timer, past due" if timer.past_due else "timer"
    if settings.mode == "fan-out":
        from collector.fan_out.dispatch import send_shards  # noqa: PLC0415

        shards = await send_shards(settings, trigger=trigger)
        logger.info("run %s: sent %d shards", shards[0].run.run_id, len(shards))
        return
    from collector.run import failure_of, run_collection  # noqa: PLC0415

    summary = await run_collection(settings, trigger=trigger)
    logger.info("collection finished", extra={"collection": summary.totals()})
    if failure := failure_of(summary, partial_run=False):
        raise failure


@blueprint.queue_trigger(arg_name="message", queue_name=SHARDS_QUEUE, connection=CONNECTION)
async def collect_shard(message: func.QueueMessage) -> None:
    """Collect one shard of a run that the timer began; whatever is raised brings the message back."""
    from collector.fan_out.shards import Shard  # noqa: PLC0415
    from collector.shard_work import ShardWork  # noqa: PLC0415
    from publisher.settings import CollectorSettings  # noqa: PLC0415

    shard = Shard.parse(message.get_body())
    work = ShardWork(CollectorSettings.from_environment(os.environ), shard, message.id or "")
    if summary := await work.collect():
        logger.info("%s collected", shard, extra={"collection": summary.totals()})


@blueprint.queue_trigger(arg_name="message", queue_name=POISONED_SHARDS_QUEUE, connection=CONNECTION)
async def collect_poisoned_shard(message: func.QueueMessage) -> None:
    """Report the applications of a shard that failed too often, so that none of them is without a result."""
    from collector.fan_out.shards import MalformedShardError, Shard  # noqa: PLC0415
    from collector.shard_work import ShardWork  # noqa: PLC0415
    from publisher.settings import CollectorSettings  # noqa: PLC0415

    try:
        shard = Shard.parse(message.get_body())
    except MalformedShardError as error:
        logger.error("a message that no timer sent was dropped: %s", error)  # noqa: TRY400 - its origin is not here
        return
    logger.error("%s failed too often and is given up", shard)
    work = ShardWork(CollectorSettings.from_environment(os.environ), shard, message.id or "")
    await work.give_up()
