"""Proves that resources are gone: the group's complete list lacks them, and ARM says so when asked for them by id."""

from __future__ import annotations

import asyncio
import logging
import random
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from publisher.errors.absence import is_about
from publisher.errors.kinds import AzureFailure, NotFound, RequestRefused
from publisher.resource_ids import fold, is_at_or_inside
from publisher.resource_manager import text_at

if TYPE_CHECKING:
    from collections.abc import Iterable

    from publisher.resource_ids import ResourceGroupId
    from publisher.resource_manager import ResourceManager

logger = logging.getLogger(__name__)

_GONE: Final = "resourcenotfound"
_API_VERSION: Final = "2021-04-01"
"""Of the list, and asked for first of a resource; ARM's refusal names the versions that its type has."""

_MOST_GETS: Final = 100
"""GETs for an application in one run, which draws lots for them: nothing waits behind resources that stay unproven."""

_AT_ONCE: Final = 4
_NO_SUCH_VERSION: Final = re.compile("api-?version|NoRegisteredProviderFound|InvalidResourceType", re.IGNORECASE)
"""In the codes with which ARM refuses an api-version.

InvalidResourceType comes with 404 (github.com/Azure/azure-rest-api-specs/issues/14807).
"""

_VERSION: Final = re.compile(r"\d{4}-\d{2}-\d{2}(?:-[a-z]+)?(?=[,'])")
"""Followed by what ends it in the list: the message may be cut off."""


async def proven_gone(
    arm: ResourceManager, group: ResourceGroupId, resources: Iterable[str], *, deadline: float
) -> frozenset[str]:
    """Return those of these resources (folded ids) that are proven gone; raises no AzureFailure.

    A resource whose top-level ancestor the list lacks is gone when ARM says ResourceNotFound for that ancestor, one
    whose ancestor lives only when ARM says it of the resource itself. The group is never gone. `deadline` is in seconds
    of `time.monotonic`.
    """
    ancestors = {one: ancestor for one in resources if (ancestor := _top_level(one, group)) is not None}
    try:
        listed = await _listed(arm, group, set(ancestors.values()), deadline)
    except AzureFailure as failure:
        logger.info("the resources of %s could not be listed: %s", group, failure.code)
        return frozenset()
    asked_for: dict[str, list[str]] = {}
    for resource, ancestor in ancestors.items():
        if ancestor == resource and ancestor in listed:
            continue
        asked_for.setdefault(resource if ancestor in listed else ancestor, []).append(resource)
    gone = await _Inquiry(arm, deadline).gone(list(asked_for))
    return frozenset(resource for asked in gone for resource in asked_for[asked])


async def _listed(arm: ResourceManager, group: ResourceGroupId, wanted: set[str], deadline: float) -> set[str]:
    """Return those of these resources (folded ids) that the group's list has, however long it is."""
    path = f"{quote(str(group), safe='/()')}/resources"
    listed = arm.list(path, api_version=_API_VERSION, deadline=deadline)
    return {identity async for one in listed if (identity := fold(text_at(one, "id"))) in wanted}


def _top_level(resource: str, group: ResourceGroupId) -> str | None:
    """Return the folded id of a resource's top-level ancestor; None for what is no resource in the group."""
    prefix = fold(str(group)) + "/providers/"
    if not is_at_or_inside(resource, str(group)) or not resource.startswith(prefix):
        return None
    parts = resource.removeprefix(prefix).split("/")
    return prefix + "/".join(parts[:3]) if len(parts) >= 3 and all(parts) else None  # noqa: PLR2004 - namespace, type, name


class _Inquiry:
    """Asks ARM for resources, a few at once, and learns the api-version of their types from its refusals."""

    def __init__(self, arm: ResourceManager, deadline: float) -> None:
        self._arm = arm
        self._deadline = deadline
        self._gets_left = _MOST_GETS
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._versions: dict[str, str] = {}

    async def gone(self, resources: list[str]) -> list[str]:
        """Return those of the resources that ARM says do not exist, as far as the number of GETs goes."""
        drawn = random.sample(resources, min(len(resources), _MOST_GETS))
        answers = await asyncio.gather(*map(self._is_gone, drawn))
        return [resource for resource, gone in zip(drawn, answers, strict=True) if gone]

    async def _is_gone(self, resource: str) -> bool:
        """Tell whether ARM says that a resource does not exist; anything else, also no answer, is no proof."""
        async with self._places:
            kind = _type_of(resource)
            asked = self._versions.get(kind, _API_VERSION)
            failure = await self._failure(resource, asked)
            if failure is not None and (version := _offered(failure, asked)):
                self._versions[kind] = version
                failure = await self._failure(resource, version)
        return failure is not None and fold(failure.code) == _GONE and is_about(failure, resource)

    async def _failure(self, resource: str, api_version: str) -> AzureFailure | None:
        """Return what a GET of the resource fails with; None when it does not fail, and without asking at the limit."""
        if self._gets_left == 0:
            return None
        self._gets_left -= 1
        try:
            await self._arm.get(quote(resource, safe="/()"), api_version=api_version, deadline=self._deadline)
        except AzureFailure as failure:
            logger.info("a resource was asked for: %s", failure.code)
            return failure
        return None


def _type_of(resource: str) -> str:
    """Return the folded type of a resource: the last namespace of its id, and every other part from there on."""
    namespace, *parts = resource.rpartition("/providers/")[2].split("/")
    return "/".join((namespace, *parts[::2]))


def _offered(failure: AzureFailure, asked: str) -> str | None:
    """Return the newest version that a refused api-version's message lists, a stable one where there is any."""
    if not isinstance(failure, NotFound | RequestRefused) or not _NO_SUCH_VERSION.search(failure.code):
        return None
    versions = sorted(set(_VERSION.findall(str(failure))) - {asked})
    stable = [one for one in versions if len(one) == len(_API_VERSION)]
    known = stable or versions
    return known[-1] if known else None
