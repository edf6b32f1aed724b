"""Documents of resources as Azure Resource Manager answers them: networks, vaults and identities."""

from __future__ import annotations

import threading
from typing import Any, Final

SECURITY_GROUPS: Final = "Microsoft.Network/networkSecurityGroups"
NETWORKS: Final = "Microsoft.Network/virtualNetworks"
ROUTE_TABLES: Final = "Microsoft.Network/routeTables"
IDENTITIES: Final = "Microsoft.ManagedIdentity/userAssignedIdentities"
VAULTS: Final = "Microsoft.KeyVault/vaults"

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
    space = {"addressPrefixes": ["10.1.0.0/16"]}
    documents.put(NETWORKS, "vnet-app", {"addressSpace": space, "subnets": [subnet], "virtualNetworkPeerings": []})
    return nsg
