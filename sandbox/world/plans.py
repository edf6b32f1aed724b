"""The Marketplace plan of a deployment, and the permissions that it gives to the publisher."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Access(StrEnum):
    """What the publisher's roles on the managed resource group allow; each can be revoked by itself."""

    APPLICATION = "Microsoft.Solutions/applications/read"
    RESOURCE_GROUP = "Microsoft.Resources/subscriptions/resourceGroups/read"
    ASSIGNMENTS = "Microsoft.Authorization/policyAssignments/read"
    EXEMPTIONS = "Microsoft.Authorization/policyExemptions/read"
    STATES = "Microsoft.PolicyInsights/policyStates/queryResults/action"
    EVALUATE = "Microsoft.PolicyInsights/policyStates/triggerEvaluation/action"
    READ_REMEDIATIONS = "Microsoft.PolicyInsights/remediations/read"
    REMEDIATE = "Microsoft.PolicyInsights/remediations/write"
    ROLES = "Microsoft.Authorization/roleAssignments/read"
    DENIALS = "Microsoft.Authorization/denyAssignments/read"
    RESOURCES = "*/read"
    """Whatever else is in the group: without it the list of its resources is empty, and nothing in it can be read."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The Marketplace plan of a deployment, as it stands on the application and in notifications."""

    publisher: str = "contoso"
    product: str = "secure-analytics"
    name: str = "standard"
    version: str = "1.0.0"

    def as_json(self) -> dict[str, str]:
        """The plan in Azure's spelling."""
        return {"publisher": self.publisher, "product": self.product, "name": self.name, "version": self.version}


CATALOG: Final = "/subscriptions/7e57ab1e-0000-4000-8000-0000000000ca/resourceGroups/rg-catalog"
"""The publisher's resource group of service-catalog definitions."""


def definition_id_of(product: str) -> str:
    """The ARM id of the service-catalog definition of a product."""
    return f"{CATALOG}/providers/Microsoft.Solutions/applicationDefinitions/{product}"


_SOLD: Final = Plan()
OFFERS: Final = f"{_SOLD.publisher}/{_SOLD.product},{definition_id_of(_SOLD.product)}"
"""What the publisher of the sandbox sells: the product's setting of that name."""
