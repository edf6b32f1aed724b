"""Reads what the publisher's checks need of a managed resource group: lists of resources, and single ones elsewhere.

Azure Resource Manager first says which types of resources the group has. Only those are listed that are there and that
a check needs, so nothing is asked of a provider that the customer never registered.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from publisher.errors.kinds import AccessDenied, AzureFailure, NotFound, RequestRefused
from publisher.lenient_json import member
from publisher.resource_ids import fold
from publisher.resource_manager import text_at
from registry.policies.permissions import all_allowed
from verdicts.publisher_checks.documents import (
    INTERFACES,
    NETWORKS,
    PRIVATE_ENDPOINTS,
    ROUTE_TABLES,
    SECURITY_GROUPS,
    SUBNETS,
    id_of,
    name_of,
    type_of,
)
from verdicts.publisher_checks.identities import (
    ARC_MACHINES,
    IDENTITIES,
    RESOURCES,
    ROLE_ASSIGNMENTS,
    ROLE_DEFINITIONS,
)
from verdicts.publisher_checks.public_access import AI_ACCOUNTS, VAULTS, WORKSPACES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Collection, Iterable

    from publisher.resource_ids import ResourceGroupId
    from publisher.resource_manager import ResourceManager
    from verdicts.publisher_checks.documents import Document

_NETWORK: Final = "2024-07-01"
_AUTHORIZATION: Final = "2022-04-01"
_RESOURCES: Final = "2021-04-01"

API_VERSIONS: Final = {
    fold(resource_type): version
    for resource_type, version in {
        # Microsoft.Network: Azure/azure-rest-api-specs, stable/2024-07-01; Azure/bicep-types-az, network 2024-07-01.
        SECURITY_GROUPS: _NETWORK,
        NETWORKS: _NETWORK,
        SUBNETS: _NETWORK,
        ROUTE_TABLES: _NETWORK,
        INTERFACES: _NETWORK,
        PRIVATE_ENDPOINTS: _NETWORK,
        # learn.microsoft.com/rest/api/keyvault/keyvault/vaults; Azure/bicep-types-az, keyvault 2023-07-01.
        VAULTS: "2023-07-01",
        # Azure/azure-rest-api-specs, OperationalInsights; Azure/bicep-types-az, operationalinsights 2023-09-01.
        WORKSPACES: "2023-09-01",
        # learn.microsoft.com/rest/api/aiservices/accountmanagement; azure-rest-api-specs, CognitiveServices 2024-10-01.
        AI_ACCOUNTS: "2024-10-01",
        # Azure/azure-rest-api-specs, ManagedIdentity; Azure/bicep-types-az, msi 2023-01-31.
        IDENTITIES: "2023-01-31",
        # Azure/azure-rest-api-specs, HybridCompute 2024-07-10; templates in public repositories.
        ARC_MACHINES: "2024-07-10",
        # learn.microsoft.com/rest/api/authorization/role-assignments; Azure/bicep-types-az, authorization 2022-04-01.
        ROLE_ASSIGNMENTS: _AUTHORIZATION,
        ROLE_DEFINITIONS: _AUTHORIZATION,
    }.items()
}
"""By folded type."""

_AT_ONCE: Final = 4
"""Requests about one application under way: four applications of a subscription are read at the same time."""

_MOST_ELSEWHERE: Final = 50
"""Resources that are read one by one for an application in a run."""

MOST_LISTED: Final = 10_000
"""Resources of a list: whoever has more is not checked, and told so, rather than kept in memory."""

_HOLDERS: Final = frozenset({fold(IDENTITIES), fold(ARC_MACHINES)})


class GroupDocuments:
    """What was read of one group; `deadline` is in seconds of `time.monotonic`."""

    def __init__(self, arm: ResourceManager, group: ResourceGroupId, *, deadline: float) -> None:
        self._arm = arm
        self._group = group
        self._deadline = deadline
        self._places = asyncio.Semaphore(_AT_ONCE)
        self.lists: dict[str, list[Document] | AzureFailure] = {}
        """By folded type; a type of which we may read all, and that the group does not have, has none."""
        self.elsewhere: dict[str, Document | str] = {}
        """By folded id; a text says why a resource could not be read."""

    async def read_lists(self, types: Iterable[str]) -> None:
        """List the group's resources of these types; raise the AzureFailure when not even their types can be read.

        A list that cannot be read is in `lists` with its failure.
        """
        resources = await self._listed("resources", _RESOURCES)
        there = {fold(text_at(one, "type")) for one in resources}
        wanted = {fold(one) for one in types}
        self.lists = {one: [] for one in wanted}
        self.lists[fold(RESOURCES)] = resources
        if there & _HOLDERS or any(member(one, "identity") is not None for one in resources):
            there.add(fold(ROLE_ASSIGNMENTS))  # of which the list of resources does not tell
        await self._doubt(wanted - there - {fold(ROLE_ASSIGNMENTS)})
        await _all(map(self._read_list, sorted(wanted & there)))

    async def read_elsewhere(self, resource_ids: Collection[str]) -> None:
        """Read resources by their folded ids; raise the AzureFailure of one that may be had later.

        Why one cannot be read, because it is not there or we may not, is in its place in `elsewhere`.
        """
        room = max(0, _MOST_ELSEWHERE - len(self.elsewhere))
        asked = sorted(resource_ids)
        self.elsewhere |= dict.fromkeys(
            asked[room:], f"the checks look at no more than {_MOST_ELSEWHERE} such resources"
        )
        await _all(map(self._read_one, asked[:room]))

    async def _doubt(self, unseen: Collection[str]) -> None:
        """Note as not read what the list of resources has none of, where that may be because we may not read it."""
        actions = {one: "*/read" if one == fold(RESOURCES) else f"{one}/read" for one in sorted(unseen)}
        if not actions:
            return
        may_read = await all_allowed(self._arm, self._group, list(actions.values()), deadline=self._deadline)
        for resource_type, action in actions.items():
            if not may_read[action]:
                message = f"none is listed, and {action} is not known to be among our permissions"
                self.lists[resource_type] = AccessDenied(message, code="ResourcesUnread")

    async def _read_list(self, resource_type: str) -> None:
        path = f"providers/{resource_type}"
        try:
            async with self._places:
                self.lists[resource_type] = await self._listed(path, API_VERSIONS[resource_type])
        except AzureFailure as failure:
            self.lists[resource_type] = failure

    async def _listed(self, path: str, api_version: str) -> list[Document]:
        """Return a list of the group; raise the AzureFailure of reading it, or RequestRefused when it is too long."""
        group = quote(str(self._group), safe="/()")
        found: list[Document] = []
        async for one in self._arm.list(f"{group}/{path}", api_version=api_version, deadline=self._deadline):
            found.append(one)
            if len(found) > MOST_LISTED:
                message = f"the group has more than {MOST_LISTED:,} of {path}, which is more than the checks look at"
                raise RequestRefused(message, code="TooManyResources")
        return found

    async def _read_one(self, resource_id: str) -> None:
        version = API_VERSIONS.get(fold(type_of(resource_id)))
        if version is None:
            self.elsewhere[resource_id] = "no check reads resources of its type"
            return
        try:
            async with self._places:
                document = await self._arm.get(
                    quote(resource_id, safe="/()"), api_version=version, deadline=self._deadline
                )
        except (AccessDenied, NotFound, RequestRefused) as failure:
            self.elsewhere[resource_id] = failure.code
        else:
            own = fold(id_of(document))
            # A role definition is named without the scope at which it was asked for.
            is_named = type_of(resource_id) == type_of(own) == fold(ROLE_DEFINITIONS)
            is_it = own == resource_id or (is_named and name_of(own) == name_of(resource_id))
            self.elsewhere[resource_id] = document if is_it else "Azure answered with another resource"


async def _all(readings: Iterable[Awaitable[None]]) -> None:
    """Wait for all of these readings; then raise what the first of them raised that failed."""
    for result in await asyncio.gather(*readings, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
