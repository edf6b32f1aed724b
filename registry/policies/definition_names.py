"""Display names of policy definitions and initiatives, and of the definitions inside initiatives, kept for a day.

A name that cannot be read stays empty and is no failure. The publisher may not read the customers' own definitions;
those of a plan are mostly built in, the same for every customer, and so read once.
"""

import asyncio
import logging
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from publisher.errors.kinds import AccessDenied, AzureFailure, NotFound, RequestRefused, is_gateways
from publisher.lenient_json import member
from publisher.resource_ids import fold
from publisher.resource_manager import ResourceManager, id_at, text_at
from registry.policies.definition_versions import read_definition
from registry.policies.postures import Definition, canonical_defaults

_LOGGER = logging.getLogger(__name__)
_DEFINITION_ID: Final = re.compile(
    r"(?:/[^/?#%\\]+)*/providers/microsoft\.authorization/(?:policydefinitions|policysetdefinitions)/[^/?#%\\]+"
)
_PARAMETER: Final = re.compile(r"\[parameters\('([^']+)'\)\]", re.IGNORECASE)
_LASTING: Final = (AccessDenied, NotFound, RequestRefused)
"""What ARM says of a definition that we may not read; it will say so again."""

_KEPT_SECONDS: Final = 24 * 3600.0
_MOST_KEPT: Final = 10_000
_MOST_MEMBERS: Final = 500
_AT_ONCE: Final = 4


class DefinitionNames:
    """Reads names from ARM and keeps them. Deadlines are in seconds of `time.monotonic`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[tuple[str, str, str], Definition] = {}

    async def name(self, arm: ResourceManager, definition_id: str, *, deadline: float) -> str:
        """Return the display name of a definition, "" when it has none or cannot be read."""
        return (await self.definition(arm, definition_id, deadline=deadline)).name

    async def of_members(
        self,
        arm: ResourceManager,
        initiatives: Iterable[tuple[str, str]],
        *,
        already: Mapping[str, str],
        deadline: float,
    ) -> dict[str, str]:
        """Return the display names of the definitions inside these initiatives by folded id, without empty ones.

        An initiative is given by its id and the pin of its version, "" for the latest.
        Names that are `already` known are not asked for again.
        """
        definitions = [await self.definition(arm, *one, deadline=deadline) for one in initiatives]
        members = list(dict.fromkeys(member for one in definitions for member in one.members))[:_MOST_MEMBERS]
        places = asyncio.Semaphore(_AT_ONCE)

        async def name(member: str) -> str:
            if member in already:
                return already[member]
            async with places:
                return await self.name(arm, member, deadline=deadline)

        names = await asyncio.gather(*map(name, members))
        return {member: name for member, name in zip(members, names, strict=True) if name}

    async def definition(
        self, arm: ResourceManager, definition_id: str, pin: str = "", *, deadline: float
    ) -> Definition:
        """Return a definition as kept or read, in the version that a pin takes; an empty one when it cannot be read."""
        key = arm.endpoint, fold(definition_id), fold(pin)
        known = self._known.get(key)
        if known is not None and self._clock() - known.known_at < _KEPT_SECONDS:
            return known
        if not _DEFINITION_ID.fullmatch(key[1]) or "/../" in definition_id:
            return Definition(0)
        try:
            answer = await read_definition(arm, definition_id, pin, deadline=deadline)
        except AzureFailure as failure:
            if not isinstance(failure, _LASTING) or is_gateways(failure):
                _LOGGER.debug("no display name for a definition: %s", failure.code)
                return known or Definition(0)
            read = Definition(self._clock())
        else:
            if not _is_definition(answer):
                _LOGGER.debug("a definition's description cannot be read")
                return known or Definition(0)
            read = _read(answer, self._clock())
        if len(self._known) >= _MOST_KEPT:
            self._known.clear()
        self._known[key] = read
        return read


def _is_definition(answer: dict[str, Any]) -> bool:
    """Tell whether ARM's description of a definition has its properties, and of an initiative all its members."""
    properties = member(answer, "properties")
    members = member(properties, "policyDefinitions")
    all_told = isinstance(members, list) and all(isinstance(one, dict) for one in members)
    return isinstance(properties, dict) and (members is None or all_told)


def _read(answer: dict[str, Any], now: float) -> Definition:
    properties = member(answer, "properties")
    return Definition(
        now,
        text_at(properties, "displayName"),
        _members(answer),
        canonical_defaults(member(properties, "parameters")),
        tuple(_effects(properties)),
    )


def _effects(properties: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each reference and its effect; of an initiative the effects that its members' parameters set."""
    members = member(properties, "policyDefinitions")
    if not isinstance(members, list):
        yield "", _effect(text_at(properties, "policyRule", "then", "effect"))
        return
    for one in members:
        yield fold(text_at(one, "policyDefinitionReferenceId")), _effect(text_at(one, "parameters", "effect", "value"))


def _effect(text: str) -> str:
    """Return a folded effect, or `parameter:` and the name in an expression such as [parameters('effect')]."""
    named = _PARAMETER.fullmatch(text)
    return f"parameter:{fold(named[1])}" if named else fold(text)


def _members(answer: dict[str, Any]) -> tuple[str, ...]:
    properties = member(answer, "properties")
    members = member(properties, "policyDefinitions")
    ids = (id_at(one, "policyDefinitionId") for one in members) if isinstance(members, list) else ()
    return tuple(dict.fromkeys(fold(one) for one in ids if one))


DEFINITION_NAMES: Final = DefinitionNames()
"""The names that this process keeps."""
