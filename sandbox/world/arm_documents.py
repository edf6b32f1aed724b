"""Documents of resources as Azure Resource Manager answers them: networks, vaults, identities and their roles."""

from __future__ import annotations

import threading
import uuid
from typing import Any, Final

SECURITY_GROUPS: Final = "Microsoft.Network/networkSecurityGroups"
NETWORKS: Final = "Microsoft.Network/virtualNetworks"
ROUTE_TABLES: Final = "Microsoft.Network/routeTables"
IDENTITIES: Final = "Microsoft.ManagedIdentity/userAssignedIdentities"
VAULTS: Final = "Microsoft.KeyVault/vaults"

ROLE_NAMES: Final = {
    "acdd72a7-3385-48ef-bd42-f606fba81ae7": "Reader",
    "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
    "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
}
"""Built-in roles, by the id that they have everywhere (azure-docs, built-in-roles.md)."""

_USUAL_PROPERTIES: Final[dict[str, dict[str, Any]]] = {
    VAULTS: {"publicNetworkAccess": "Disabled", "networkAcls": {"bypass": "AzureServices", "defaultAction": "Deny"}},
}
"""Of resources that nobody gave any."""


class ArmDocuments:
    """The documents of one customer's resources, in the managed resource group and around it. Thread-safe."""

    def __init__(self, group_id: str) -> None:
        self._group_id = group_id
        self._lock = threading.Lock()
        self._documents: dict[str, dict[str, Any]] = {}
        self._roles: list[dict[str, Any]] = []
        self.shows_roles = True
        """Whether the publisher is shown role assignments of the customer's identities."""

    def id_of(self, resource_type: str, name: str, group: str | None = None) -> str:
        """The id of a resource; of the managed resource group, or of another one of the subscription."""
        group_id = self._group_id if group is None else f"{self._group_id.rpartition('/')[0]}/{group}"
        namespace, *kinds = resource_type.split("/")
        parts = [part for pair in zip(kinds, name.split("/"), strict=True) for part in pair]
        return "/".join([group_id, "providers", namespace, *parts])

    def put(
        self,
        resource_type: str,
        name: str,
        properties: dict[str, Any] | None = None,
        *,
        group: str | None = None,
        **members: Any,
    ) -> str:
        """Writes a resource, in the place of one with its id, and returns the id.

        Args:
            resource_type: its type, for example Microsoft.Network/virtualNetworks.
            name: its name, or that of its parent and its own, with a slash between.
            properties: what the document has under `properties`.
            group: the name of its resource group when that is not the managed one: the publisher may read it there.
            members: further members of the document, such as `identity`, or others than the usual ones.
        """
        resource_id = self.id_of(resource_type, name, group)
        document = {
            "id": resource_id,
            "name": name.rpartition("/")[2],
            "type": resource_type,
            "location": "westeurope",
            "properties": {"provisioningState": "Succeeded", **(properties or {})},
        }
        with self._lock:
            self._documents[resource_id.lower()] = {**document, **members}
        return resource_id

    def remove(self, resource_id: str) -> None:
        """Deletes a resource; raises LookupError when there is none."""
        with self._lock:
            if self._documents.pop(resource_id.lower(), None) is None:
                raise LookupError(f"there is no resource {resource_id}")

    def grant(self, principal_id: str, role: str, scope: str | None = None) -> None:
        """Gives a principal a role, by its built-in name, or its id."""
        role_id = next((one for one, name in ROLE_NAMES.items() if name == role), role)
        subscription = "/".join(self._group_id.split("/")[:3])
        name, at = str(uuid.uuid4()), scope or self._group_id
        kind = "Microsoft.Authorization/roleAssignments"
        properties = {
            "principalId": principal_id,
            "principalType": "ServicePrincipal",
            "roleDefinitionId": f"{subscription}/providers/Microsoft.Authorization/roleDefinitions/{role_id}",
            "scope": at,
        }
        with self._lock:
            self._roles.append(
                {"id": f"{at}/providers/{kind}/{name}", "name": name, "type": kind, "properties": properties}
            )

    def revoke(self, principal_id: str) -> None:
        """Takes all roles from a principal."""
        with self._lock:
            self._roles = [one for one in self._roles if one["properties"]["principalId"] != principal_id]

    def roles(self) -> list[dict[str, Any]]:
        """The role assignments that the publisher is shown."""
        with self._lock:
            return list(self._roles) if self.shows_roles else []

    def of_group(self, group_id: str) -> list[dict[str, Any]]:
        """The documents of a resource group."""
        prefix = f"{group_id}/providers/".lower()
        with self._lock:
            return [one for key, one in self._documents.items() if key.startswith(prefix)]

    def find(self, resource_id: str) -> dict[str, Any] | None:
        """The document with this id, in any casing."""
        with self._lock:
            return self._documents.get(resource_id.rstrip("/").lower())


def usual_properties(resource_type: str) -> dict[str, Any]:
    """The properties of a resource of which nothing but its name was said."""
    return dict(_USUAL_PROPERTIES.get(resource_type, {}))


def security_rule(name: str, priority: int, access: str, **properties: Any) -> dict[str, Any]:
    """An inbound rule about all traffic, unless `properties` say otherwise."""
    return {
        "name": name,
        "properties": {
            "protocol": "*",
            "sourceAddressPrefix": "*",
            "sourcePortRange": "*",
            "destinationAddressPrefix": "*",
            "destinationPortRange": "*",
            "direction": "Inbound",
            "priority": priority,
            "access": access,
            **properties,
        },
    }


def protected_network(documents: ArmDocuments, *, firewall: str = "10.0.0.4") -> str:
    """Writes a network that every check finds in order; returns the id of its security group."""
    nsg = documents.put(
        SECURITY_GROUPS,
        "nsg-app",
        {"securityRules": [security_rule("deny-all", 4096, "Deny")], "defaultSecurityRules": []},
    )
    to_firewall = {
        "name": "default",
        "properties": {"addressPrefix": "0.0.0.0/0", "nextHopType": "VirtualAppliance", "nextHopIpAddress": firewall},
    }
    table = documents.put(ROUTE_TABLES, "rt-app", {"routes": [to_firewall], "disableBgpRoutePropagation": True})
    network = documents.id_of(NETWORKS, "vnet-app")
    subnet = {
        "id": f"{network}/subnets/app",
        "name": "app",
        "properties": {
            "addressPrefix": "10.1.0.0/24",
            "networkSecurityGroup": {"id": nsg},
            "routeTable": {"id": table},
            "privateEndpointNetworkPolicies": "Enabled",
        },
    }
    documents.put(NETWORKS, "vnet-app", {"addressSpace": {"addressPrefixes": ["10.1.0.0/16"]}, "subnets": [subnet]})
    return nsg
