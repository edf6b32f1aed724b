"""The queue of notifications as the worker's host sees it, past the faults of the sandbox."""

from __future__ import annotations

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import TextBase64DecodePolicy
from azure.storage.queue.aio import QueueClient

from sandbox.azure.azurite import key_of
from sandbox.azure.template_queues import NOTIFICATIONS
from sandbox.local_azure import Sandbox
from sandbox.roles import Role, accounts_of


async def take_messages(sandbox: Sandbox) -> list[str]:
    """Take every message off the queue."""
    account = accounts_of(sandbox.storage.number)[Role.WORKER].name
    async with QueueClient(
        f"{sandbox.storage.azurite.endpoint('queue')}/{account}",
        NOTIFICATIONS,
        credential={"account_name": account, "account_key": key_of(account)},
        connection_verify=str(sandbox.certificate_authority),
        message_decode_policy=TextBase64DecodePolicy(),
    ) as queue:
        try:
            messages = [one async for one in queue.receive_messages(messages_per_page=32, visibility_timeout=60)]
        except ResourceNotFoundError:
            return []  # the sandbox makes the queue when the first request for it comes through
        for message in messages:
            await queue.delete_message(message)
    return [message.content for message in messages]
