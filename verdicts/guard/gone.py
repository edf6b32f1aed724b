"""Proves that resources are gone: the group's complete list lacks them, and ARM says so when asked for them by id."""

from __future__ import annotations

import asyncio
import logging
import re
from itertools import islice
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from publisher.errors import AzureFailure, NotFound, RequestRefused
from publisher.resource_ids import fold, is_at_or_inside
from publisher.resource_manager import text_at

if TYPE_CHECKING:
    from collections.abc import Iterable

    from publisher.resource_ids import ResourceGroupId
    from publisher.resource_manager import ResourceManager

logger = logging.getLogger(__name__)

_LIST_API_VERSION: Final = "2021-04-01"
_FIRST_API_VERSION: Final = "2021-04-01"
"""Asked for first; ARM's refusal names the versions that the type has."""

_MOST_ASKED: Final = 100
"""Resources of an application that one run asks for; the next run asks for the others."""

_AT_ONCE: Final = 4
_GONE: Final = "ResourceNotFound"
_VERSION: Final = re.compile(r"\b\d{4}-\d{2}-\d{2}(?:-[a-z]+)?\b")


async def proven_gone(
    arm: ResourceManager, group: ResourceGroupId, resources: Iterable[str], *, deadline: float
) -> frozenset[str]:
    """Return those of these resources (folded ids) that are proven gone; raises no AzureFailure.

    A resource whose top-level ancestor the list lacks is gone when ARM says ResourceNotFound for that ancestor, one
    whose ancestor lives only when ARM says it of the resource itself. The group is never gone.
    """
    asked_for: dict[str, list[str]] = {}
    try:
        listed = await _listed(arm, group, deadline)
    except AzureFailure as failure:
        logger.info("the resources of %s could not be listed: %s", group, failure.code)
        return frozenset()
    for resource in resources:
        ancestor = _top_level(resource, group)
        if ancestor is None or (ancestor == resource and ancestor in listed):
            continue
        asked_for.setdefault(resource if ancestor in listed else ancestor, []).append(resource)
    places = asyncio.Semaphore(_AT_ONCE)

    async def ask(resource: str) -> bool:
        async with places:
            return await _is_gone(arm, resource, deadline)

    wanted = list(islice(asked_for, _MOST_ASKED))
    answers = await asyncio.gather(*map(ask, wanted))
    return frozenset(one for asked, gone in zip(wanted, answers, strict=True) if gone for one in asked_for[asked])


async def _listed(arm: ResourceManager, group: ResourceGroupId, deadline: float) -> set[str]:
    path = f"{quote(str(group), safe='/()')}/resources"
    return {fold(text_at(one, "id")) async for one in arm.list(path, api_version=_LIST_API_VERSION, deadline=deadline)}


def _top_level(resource: str, group: ResourceGroupId) -> str | None:
    """Return the folded id of a resource's top-level ancestor; None for what is no resource in the group."""
    prefix = fold(str(group)) + "/providers/"
    if not is_at_or_inside(resource, str(group)) or not resource.startswith(prefix):
        return None
    parts = resource.removeprefix(prefix).split("/")
    return prefix + "/".join(parts[:3]) if len(parts) >= 3 and all(parts[:3]) else None  # noqa: PLR2004 - namespace, type, name


async def _is_gone(arm: ResourceManager, resource: str, deadline: float) -> bool:
    """Tell whether ARM says that a resource does not exist; anything else, also no answer, is no proof."""
    path, version = quote(resource, safe="/()"), _FIRST_API_VERSION
    for _ in range(2):
        try:
            await arm.get(path, api_version=version, deadline=deadline)
        except NotFound as failure:
            return failure.code == _GONE
        except RequestRefused as failure:
            known = _newest_version(str(failure))
            if known is None or known == version:
                return False
            version = known
        except AzureFailure as failure:
            logger.info("a resource could not be asked for: %s", failure.code)
            return False
        else:
            return False
    return False


def _newest_version(message: str) -> str | None:
    """Return the newest version that a refusal lists, a stable one where there is any."""
    versions = sorted(set(_VERSION.findall(message)) - {_FIRST_API_VERSION})
    stable = [one for one in versions if len(one) == len(_FIRST_API_VERSION)]
    known = stable or versions
    return known[-1] if known else None
