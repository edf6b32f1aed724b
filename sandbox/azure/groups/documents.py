"""Plays what ARM says of the resources in a resource group by their types.

Sources: the REST specifications of Microsoft.Network (2024-07-01), Microsoft.KeyVault (2023-07-01),
Microsoft.OperationalInsights (2023-09-01), Microsoft.CognitiveServices (2024-10-01), Microsoft.ManagedIdentity
(2023-01-31) and Microsoft.HybridCompute (2024-07-10). Roles are played in acting/authorization.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from sandbox.azure.groups.resources import LIST_VERSIONS
from sandbox.azure.resource_manager import forbidden
from sandbox.errors import RefusedError, json_response
from sandbox.faults.operations import DocumentList, DocumentRead
from sandbox.world.arm_documents import usual_properties
from sandbox.world.plans import Access

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiohttp import web

    from sandbox.azure.resource_manager import ArmRequest, ResourceManager
    from sandbox.world.customers import Customer

_NETWORK: Final = frozenset({"2023-09-01", "2024-05-01", "2024-07-01"})

VERSIONS: Final = {
    "Microsoft.Network/networkSecurityGroups": _NETWORK,
    "Microsoft.Network/virtualNetworks": _NETWORK,
    "Microsoft.Network/routeTables": _NETWORK,
    "Microsoft.Network/networkInterfaces": _NETWORK,
    "Microsoft.Network/privateEndpoints": _NETWORK,
    "Microsoft.KeyVault/vaults": frozenset({"2022-07-01", "2023-07-01", "2024-11-01"}),
    "Microsoft.OperationalInsights/workspaces": frozenset({"2022-10-01", "2023-09-01", "2025-02-01"}),
    "Microsoft.CognitiveServices/accounts": frozenset({"2023-05-01", "2024-10-01"}),
    "Microsoft.ManagedIdentity/userAssignedIdentities": frozenset({"2023-01-31", "2024-11-30"}),
    "Microsoft.HybridCompute/machines": frozenset({"2022-12-27", "2024-07-10"}),
}

_GROUP: Final = "/subscriptions/{subscription}/resourceGroups/{group}"


class GroupDocuments:
    """GET of the resources of one type in a group, and of one of them."""

    def __init__(self, arm: ResourceManager) -> None:
        self._arm = arm
        for resource_type, versions in VERSIONS.items():
            self._serve_list(resource_type, versions)
            if resource_type != "Microsoft.KeyVault/vaults":  # whose reads resources.py plays
                self._serve_read(resource_type, f"{resource_type}/{{name}}", versions)
        subnets = "Microsoft.Network/virtualNetworks/subnets"
        self._serve_read(subnets, "Microsoft.Network/virtualNetworks/{name}/subnets/{child}", _NETWORK)

    def _serve_list(self, resource_type: str, versions: frozenset[str]) -> None:
        self._arm.serve(
            "GET",
            f"{_GROUP}/providers/{resource_type}",
            versions,
            lambda _, path: DocumentList(self._arm.customer_at(path), resource_type),
            lambda request: self._list(request, resource_type),
        )

    def _serve_read(self, resource_type: str, path: str, versions: frozenset[str]) -> None:
        self._arm.serve(
            "GET",
            f"{_GROUP}/providers/{path}",
            versions | LIST_VERSIONS,  # other ones are refused in ARM's words for a resource
            lambda _, parameters: DocumentRead(self._arm.customer_at(parameters), resource_type),
            lambda request: self._read(request, resource_type, versions),
        )

    def _list(self, request: ArmRequest, resource_type: str) -> web.Response:
        owner = self._arm.group_owner(request, Access.RESOURCES)
        return self._page(request, documents_of(owner, resource_type))

    def _page(self, request: ArmRequest, found: list[dict[str, Any]]) -> web.Response:
        size, query = self._arm.document_page_size, request.http.query
        begin = int(query.get("$skipToken", "0"))
        page: dict[str, Any] = {"value": found[begin : begin + size]}
        if begin + size < len(found):
            more = urlencode({"api-version": query["api-version"], "$skipToken": begin + size})
            page["nextLink"] = f"{request.http.scheme}://{request.http.host}{request.http.path}?{more}"
        return json_response(page)

    def _read(self, request: ArmRequest, resource_type: str, versions: frozenset[str]) -> web.Response:
        owner = self._owner(request)
        _check_version(request, resource_type, versions)
        document = owner.documents.find(request.http.path) or _inside(owner, request.http.path)
        if document is None:
            inside = request.http.path.split("/providers/", 1)[1]
            raise RefusedError(
                404,
                "ResourceNotFound",
                f"The Resource '{inside}' under resource group '{request.path['group']}' was not found. "
                "For more details please go to https://aka.ms/ARMResourceNotFoundFix",
            )
        return json_response(document)

    def _owner(self, request: ArmRequest) -> Customer:
        """The customer whose group this is, or who has documents in it that the publisher may read."""
        if self._arm.customer_at(request.path) is not None:
            return self._arm.group_owner(request, Access.RESOURCES)
        subscription, group = request.path["subscription"], request.path["group"]
        self._arm.require_subscription(subscription)
        scope = f"/subscriptions/{subscription}/resourceGroups/{group}"
        for customer in self._arm.customers.in_subscription(subscription):
            if customer.documents.of_group(scope):
                self._arm.authorize(request.token, customer, Access.RESOURCES, scope)
                return customer
        raise forbidden(request.token, "Microsoft.Resources/subscriptions/resourceGroups/read", scope)


def documents_of(owner: Customer, resource_type: str | None = None) -> list[dict[str, Any]]:
    """The documents of a customer's managed group, of one type or of all that are nobody's children."""
    group = owner.managed_resource_group_id
    found = {one["id"].lower(): one for one in owner.documents.of_group(group)}
    for one in owner.resources:
        found.setdefault(
            one.id(group).lower(),
            {
                "id": one.id(group),
                "name": one.name,
                "type": one.type,
                "location": one.location,
                "properties": usual_properties(one.type),
            },
        )
    return [one for one in found.values() if _is_listed(one, resource_type)]


def _is_listed(document: dict[str, Any], resource_type: str | None) -> bool:
    kind = str(document["type"]).lower()
    return kind.count("/") == 1 if resource_type is None else kind == resource_type.lower()


def _inside(owner: Customer, path: str) -> dict[str, Any] | None:
    """The subnet at a path, which its network's document has."""
    network, found, _ = path.lower().rstrip("/").rpartition("/subnets/")
    document = owner.documents.find(network) if found else None
    subnets: Iterable[dict[str, Any]] = document["properties"].get("subnets", ()) if document else ()
    return next((one for one in subnets if str(one["id"]).lower() == path.lower().rstrip("/")), None)


def _check_version(request: ArmRequest, resource_type: str, versions: frozenset[str]) -> None:
    asked = request.http.query.get("api-version")
    if asked not in versions:
        namespace, _, kind = resource_type.partition("/")
        raise RefusedError(
            400,
            "NoRegisteredProviderFound",
            f"No registered resource provider found for location 'westeurope' and API version '{asked}' for type "
            f"'{kind}'. The supported api-versions are '{', '.join(sorted(versions))}'. "
            f"The supported locations are 'westeurope, northeurope' ({namespace}).",
        )
