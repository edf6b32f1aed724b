"""The worker's triggers for notifications: the queue that the webhook sends to, and the timer that asks ARM."""

import logging
import os
import time
from typing import Final

import azure.functions as func

from publisher.notifications import NOTIFICATIONS_QUEUE, POISONED_NOTIFICATIONS_QUEUE

CONNECTION: Final = "AzureWebJobsStorage"
ASKING_SCHEDULE: Final = "20 * * * * *"
_ASKING_SECONDS: Final = 50.0
"""A round ends before the next one begins."""

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]
logger = logging.getLogger(__name__)


@blueprint.queue_trigger(arg_name="message", queue_name=NOTIFICATIONS_QUEUE, connection=CONNECTION)
async def take_notification(message: func.QueueMessage) -> None:
    """Let the application wait to be asked about, and tell of the event; the host delivers again when this raises."""
    await _take(message)


@blueprint.queue_trigger(arg_name="message", queue_name=POISONED_NOTIFICATIONS_QUEUE, connection=CONNECTION)
async def take_poisoned_notification(message: func.QueueMessage) -> None:
    """Take a message that failed for a week as any other: it is not lost for that."""
    await _take(message)


@blueprint.timer_trigger(arg_name="timer", schedule=ASKING_SCHEDULE, run_on_startup=False, use_monitor=False)
async def ask_about_pending(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the binding needs it
    """Ask ARM about the applications that wait and are due.

    Raises:
        AzureFailure: the table of what waits cannot be read.
        SettingsError: settings are missing or wrong; the message names every one of them.
        RoundFailed: something besides ARM failed for some of them.
    """
    # Imported here: the app must index quickly, and without settings.
    from publisher.settings import ReconcileSettings  # noqa: PLC0415
    from registry.notifications.opening import open_asker  # noqa: PLC0415

    async with open_asker(ReconcileSettings.from_environment(os.environ)) as asker:
        done = await asker.ask(deadline=time.monotonic() + _ASKING_SECONDS)
    if done.outcomes:
        logger.info("asked about what waits", extra={"outcomes": dict(done.outcomes)})
    done.raise_for_problems()


async def _take(message: func.QueueMessage) -> None:
    from publisher.settings import IntakeSettings  # noqa: PLC0415
    from registry.notifications.opening import shared_intake  # noqa: PLC0415

    async with shared_intake(IntakeSettings.from_environment(os.environ)) as intake:
        await intake.take(message.get_body())
