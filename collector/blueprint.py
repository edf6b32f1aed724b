"""The collector's triggers on Azure Functions: its timers, and the queues of a fanned-out run."""

import logging
import os
from dataclasses import asdict
from typing import Final

import azure.functions as func

from collector.fan_out import MOST_DELIVERIES, SHARDS_QUEUE

CONNECTION: Final = "AzureWebJobsStorage"

PUBLICATION_SCHEDULE: Final = "0 37 */6 * * *"
"""Eight times within the two days that alert rules look back."""

EXPORT_SCHEDULE: Final = "0 27 * * * *"
"""Every hour, beside the full hours at which collections begin; the first one of a day (UTC) exports."""

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]
logger = logging.getLogger(__name__)


@blueprint.timer_trigger(arg_name="timer", schedule="%COLLECTION_SCHEDULE%", run_on_startup=False, use_monitor=True)
async def collect_policy_states(timer: func.TimerRequest) -> None:
    """Collect the policy states of every registered application, or send shards of them to the queue.

    Raises:
        AzureFailure: the shards could not all be sent.
        SettingsError: settings are missing or wrong; the message names every one of them.
        CollectionFailedError: the run failed.
    """
    # Imported here, so that indexing the app imports no SDK.
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
    if failure := failure_of(summary):
        raise failure


@blueprint.timer_trigger(arg_name="timer", schedule=PUBLICATION_SCHEDULE, run_on_startup=False, use_monitor=True)
async def publish_verdicts(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the trigger's name for it
    """Publish what stands in the ledger again, so that open verdicts stay in sight when the collection fails.

    Raises:
        AzureFailure: the ledger cannot be read.
        SettingsError: settings are missing or wrong; the message names every one of them.
        PublicationFailedError: rows were not stored, or rows of the ledger cannot be read.
    """
    from collector.publication import publish_ledger  # noqa: PLC0415
    from publisher.settings import PublicationSettings  # noqa: PLC0415

    published = await publish_ledger(PublicationSettings.from_environment(os.environ))
    logger.info("the ledger was published", extra={"publication": asdict(published)})
    if failure := published.failure:
        raise failure


@blueprint.timer_trigger(arg_name="timer", schedule=EXPORT_SCHEDULE, run_on_startup=False, use_monitor=True)
async def export_registry_and_ledger(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the trigger's name for it
    """Export registry, ledger and what waits to Blob storage, once a day; every hour until it has succeeded.

    Raises:
        SettingsError: settings are missing or wrong; the message names every one of them.
        ExportFailed: it could not be made, or not told.
    """
    from publisher.configuration.version import VERSION  # noqa: PLC0415
    from publisher.settings import PublicationSettings  # noqa: PLC0415
    from verdicts.exports.daily import export_daily  # noqa: PLC0415
    from verdicts.exports.manifest import counts_text  # noqa: PLC0415

    if manifest := await export_daily(PublicationSettings.from_environment(os.environ), version=VERSION):
        logger.info("export %s: %s", manifest.name, counts_text(manifest.tables))


@blueprint.queue_trigger(arg_name="message", queue_name=SHARDS_QUEUE, connection=CONNECTION)
async def collect_shard(message: func.QueueMessage) -> None:
    """Collect one shard of a run; the host delivers the message again when this raises.

    A shard that was delivered too often is given up: every application in it is reported as Failed, so that each has a
    result row. Notifications are delivered for a week, so the host's own count is no help (host.json).
    """
    from collector.fan_out.shards import MalformedShardError, Shard  # noqa: PLC0415
    from collector.shard_work import ShardWork  # noqa: PLC0415
    from publisher.settings import CollectorSettings  # noqa: PLC0415

    try:
        shard = Shard.parse(message.get_body())
    except MalformedShardError as error:
        logger.error("a message that no timer sent was dropped: %s", error)  # noqa: TRY400 - a traceback would not help
        return
    work = ShardWork(CollectorSettings.from_environment(os.environ), shard, message.id or "")
    if (message.dequeue_count or 0) > MOST_DELIVERIES:
        logger.error("%s failed too often and is given up", shard)
        await work.give_up()
    elif summary := await work.collect():
        logger.info("%s collected", shard, extra={"collection": summary.totals()})
