"""Documents as Azure Resource Manager answers them, with as little in them as a test is about."""

from __future__ import annotations

from typing import Any

from sandbox.world.arm_documents import security_rule
from verdicts.publisher_checks.catalogue import CHECKS
from verdicts.publisher_checks.documents import Documents, type_of
from verdicts.publisher_checks.judged import Judged, Judgement

GROUP = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/mrg"
ELSEWHERE = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/hub"

Document = dict[str, Any]

COMPLIANT, VIOLATED, UNKNOWN = Judgement.COMPLIANT, Judgement.NON_COMPLIANT, Judgement.UNKNOWN


def network_id(kind: str, name: str, group: str = GROUP) -> str:
    return f"{group}/providers/Microsoft.Network/{kind}/{name}"


def subnet_id(name: str, network: str = "net", group: str = GROUP) -> str:
    return f"{network_id('virtualNetworks', network, group)}/subnets/{name}"


def rule(name: str = "rule", priority: int = 4096, access: str = "Deny", **properties: Any) -> Document:
    """An inbound rule about all traffic, unless `properties` say otherwise; ... takes one away."""
    document = security_rule(name, priority, access, **properties)
    document["properties"] = {key: value for key, value in document["properties"].items() if value is not ...}
    return document


def security_group(*rules: Any, name: str = "nsg", **properties: Any) -> Document:
    return {
        "id": network_id("networkSecurityGroups", name),
        "name": name,
        "location": "westeurope",
        "properties": {"securityRules": list(rules), "defaultSecurityRules": []} | properties,
    }


def route(prefix: Any, hop: Any = "VirtualAppliance", address: Any = "10.0.0.4", name: str = "route") -> Document:
    properties = {"addressPrefix": prefix, "nextHopType": hop}
    return {"name": name, "properties": properties | ({"nextHopIpAddress": address} if address is not None else {})}


def route_table(*routes: Any, name: str = "table", **properties: Any) -> Document:
    return {
        "id": network_id("routeTables", name),
        "name": name,
        "properties": {"routes": list(routes), "disableBgpRoutePropagation": True} | properties,
    }


def subnet(name: str = "app", prefix: str = "10.0.1.0/24", **properties: Any) -> Document:
    return {"id": subnet_id(name), "name": name, "properties": {"addressPrefix": prefix} | properties}


def network(*subnets: Document, name: str = "net", **properties: Any) -> Document:
    return {
        "id": network_id("virtualNetworks", name),
        "name": name,
        "location": "westeurope",
        "properties": {
            "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
            "subnets": list(subnets),
            "virtualNetworkPeerings": [],
        }
        | properties,
    }


def interface(name: str, subnet: str, group: str | None = None, version: str = "IPv4") -> Document:
    configuration = {"properties": {"subnet": {"id": subnet_id(subnet)}, "privateIPAddressVersion": version}}
    properties: Document = {"ipConfigurations": [configuration]}
    if group is not None:
        properties["networkSecurityGroup"] = {"id": network_id("networkSecurityGroups", group)}
    return {"id": network_id("networkInterfaces", name), "name": name, "properties": properties}


def endpoint(name: str, subnet: str) -> Document:
    return {"id": network_id("privateEndpoints", name), "name": name, "properties": {"subnet": {"id": subnet}}}


def reference(kind: str, name: str, group: str = GROUP) -> Document:
    return {"id": network_id(kind, name, group)}


def documents(*resources: Document, elsewhere: dict[str, Any] | None = None) -> Documents:
    """Return documents of a group, by the type in their ids."""
    lists: dict[str, list[Document]] = {}
    for one in resources:
        lists.setdefault(type_of(one["id"]).lower(), []).append(one)
    return Documents(lists, elsewhere)


def judged(check: str, found: Documents, **parameters: list[str]) -> list[Judged]:
    return list(CHECKS[check].judge(found, parameters))


def only(check: str, *resources: Document, elsewhere: dict[str, Any] | None = None, **parameters: list[str]) -> Judged:
    """Return what a check says when it says something of one resource alone."""
    [one] = judged(check, documents(*resources, elsewhere=elsewhere), **parameters)
    return one
