"""The queues that the product's template makes in a storage account: they are there before anybody sends to them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from azure.core.exceptions import ResourceExistsError
from azure.storage.queue import QueueClient

from sandbox.azure.azurite import FAMILIES, key_of

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.azure.azurite import Azurite

NOTIFICATIONS: Final = "notifications"


class TemplateQueues:
    """Makes an account's queues when it is first asked for one of them."""

    def __init__(self, azurite: Azurite, authority: Path) -> None:
        self._azurite = azurite
        self._authority = authority
        self._made: dict[tuple[int | None, str], asyncio.Task[None]] = {}

    async def prepare(self, path: str) -> None:
        """Make the queue that a request's path (`/{account}/{queue}/...`) is about, unless it was made before."""
        account, queue, *_ = [*path.strip("/").split("/"), "", ""]
        if queue != NOTIFICATIONS or account.startswith(FAMILIES[1:]):  # the other apps' accounts have no queue
            return
        known = self._azurite.process_id, account
        if known not in self._made:
            self._made[known] = asyncio.create_task(asyncio.to_thread(self._make, account))
        await asyncio.shield(self._made[known])

    def _make(self, account: str) -> None:
        client = QueueClient(
            f"{self._azurite.endpoint('queue')}/{account}",
            NOTIFICATIONS,
            credential={"account_name": account, "account_key": key_of(account)},
            connection_verify=str(self._authority),
        )
        with client, suppress(ResourceExistsError):
            client.create_queue()
