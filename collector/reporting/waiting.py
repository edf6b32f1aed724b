"""What waits for the worker besides the collection: notifications in the queue, and applications to be asked about.

The run row tells it, so that a rule notices when more waits than usual.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from collector.reporting.outcomes import Waiting
from publisher.errors.kinds import AzureFailure
from publisher.notifications import NOTIFICATIONS_QUEUE
from publisher.queue import Queue
from publisher.retry import Patience
from registry.notifications.bounds import MOST_WAITING
from registry.notifications.pending_table import PendingTable

if TYPE_CHECKING:
    from publisher.configuration.resource_settings import Storage
    from publisher.retry import Sleep

logger = logging.getLogger(__name__)

_ATTEMPTS: Final = 2


async def what_waits(storage: Storage, *, sleep: Sleep) -> Waiting:
    """Return what waits, as far as it can be read; raises no AzureFailure. Without a queue service nothing is asked."""
    if not storage.has_queues:
        return Waiting()
    patience = Patience(_ATTEMPTS, sleep=sleep)
    try:
        async with (
            Queue(storage, NOTIFICATIONS_QUEUE, patience=patience) as queue,
            PendingTable(storage, patience=patience) as pending,
        ):
            return Waiting(await queue.length(), await queue.oldest(), await pending.count(MOST_WAITING))
    except AzureFailure as failure:
        logger.warning("what waits could not be counted: %s: %s", failure.code, failure)
        return Waiting()
