"""The checks of the role front: what its settings say of the webhook, and whether its identity may send to the queue.

No message is sent, and the webhook is not called. Storage Queue Data Message Sender allows to send and nothing else, so
the queue is offered a message that it has to refuse, and one that does not exist is offered the same for comparison:
when only that one is refused for want of rights, rights are looked at first, and the identity has them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from operations.doctor.checks import BRIEF, Check, Verdict, is_about_the_request
from operations.doctor.places import queue_of_front
from operations.doctor.tokens import STORAGE_AUDIENCE, examine_own_token
from publisher.errors.kinds import AccessDenied, AzureFailure
from publisher.notifications import NOTIFICATIONS_QUEUE
from publisher.queue import Queue

if TYPE_CHECKING:
    from publisher.configuration.resource_settings import Storage
    from publisher.settings import NotificationSettings

_PLAIN_IN_AN_ADDRESS: Final = re.compile(r"[A-Za-z0-9._~-]+")
_CHECK: Final = f"queue {NOTIFICATIONS_QUEUE}"
_NO_SUCH_QUEUE: Final = "no-such-queue-as-this"
_ROLE: Final = "Storage Queue Data Message Sender"


async def examine_front(settings: NotificationSettings) -> list[Check]:
    """Return what was found about the webhook's settings and its queue."""
    checks = [examine_webhook(settings), *_examine_signatures(settings)]
    if settings.queue.connection_string is None:
        checks.append(await examine_own_token("the queue", settings.queue.identity_client_id, STORAGE_AUDIENCE))
    return [*checks, await examine_queue(settings.queue)]


def examine_webhook(settings: NotificationSettings) -> Check:
    """Return what the settings say about the webhook; the webhook itself is not called."""
    if len(settings.signatures) > 1:
        finding = "two signatures are valid: one is being replaced"
        next_step = "once every plan has the new address and ten hours are over, remove the old signature"
        return Check("webhook", Verdict.WARNING, finding, next_step)
    finding = (
        "the plan's notification endpoint is https://<app>/api?code=<function key>&sig=<NOTIFICATION_SIGNATURE>, with "
        "neither a slash nor /resource before the ?: Azure appends /resource"
    )
    return Check("webhook", Verdict.OK, finding)


def _examine_signatures(settings: NotificationSettings) -> list[Check]:
    """Return a warning when a signature cannot be entered in an address as it is."""
    if all(map(_PLAIN_IN_AN_ADDRESS.fullmatch, settings.signatures)):
        return []
    finding = "NOTIFICATION_SIGNATURE has characters that mean something else in an address, such as + & # %"
    next_step = "make one with `openssl rand -hex 32`, or enter these characters encoded, as in %2B"
    return [Check("signature in the address", Verdict.WARNING, finding, next_step)]


async def examine_queue(storage: Storage) -> Check:
    """Return whether the queue of notifications takes messages, as far as that can be told without sending one."""
    refusal = await _refusal(storage, NOTIFICATIONS_QUEUE)
    if refusal is None or is_about_the_request(refusal):
        return await _taken(storage, is_accepted=refusal is None)
    return Check.of_failure(_CHECK, refusal, queue_of_front(storage))


async def _taken(storage: Storage, *, is_accepted: bool) -> Check:
    """Return the check of a queue that refuses a message for the message's own sake, or takes it."""
    if is_accepted:
        return Check(_CHECK, Verdict.OK, "takes messages")
    length = await _length(storage)
    if isinstance(length, int):
        if storage.connection_string is not None:
            return Check(_CHECK, Verdict.OK, f"is there, and the key may send; about {length} messages wait")
        next_step = f"take every storage role from it but {_ROLE} on this queue"
        return Check(_CHECK, Verdict.WARNING, "the identity may read the queue, which the front need not", next_step)
    compared = await _refusal(storage, _NO_SUCH_QUEUE)
    if isinstance(length, AccessDenied) and isinstance(compared, AccessDenied):
        return Check(_CHECK, Verdict.OK, "the identity may send to this queue, and neither read it nor send elsewhere")
    return Check(_CHECK, Verdict.OK, "the queue service answers; whether the role is there, only a message tells")


async def _refusal(storage: Storage, name: str) -> AzureFailure | None:
    """Return why a queue refuses a message that it has to refuse, None when it takes it."""
    async with Queue(storage, name, patience=BRIEF) as queue:
        try:
            await queue.offer()
        except AzureFailure as failure:
            return failure
    return None


async def _length(storage: Storage) -> int | AzureFailure:
    async with Queue(storage, NOTIFICATIONS_QUEUE, patience=BRIEF) as queue:
        try:
            return await queue.length()
        except AzureFailure as failure:
            return failure
