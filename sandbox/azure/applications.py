"""Plays the resource providers Microsoft.Solutions and Microsoft.Resources: managed applications and their groups.

Source: the REST specifications of Microsoft.Solutions (2021-07-01) and Microsoft.Resources.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.errors import RefusedError, json_response
from sandbox.faults.operations import ApplicationList, ApplicationRead, ResourceGroupRead
from sandbox.world.customers import Access, Customer

if TYPE_CHECKING:
    from aiohttp import web

    from sandbox.azure.resource_manager import ArmRequest, ResourceManager

APPLICATION_VERSIONS = frozenset({"2019-07-01", "2021-07-01"})
GROUP_VERSIONS = frozenset({"2020-06-01", "2021-04-01", "2022-09-01", "2023-07-01", "2024-03-01", "2024-11-01"})

_SUBSCRIPTION = "/subscriptions/{subscription}"
_GROUP = f"{_SUBSCRIPTION}/resourceGroups/{{group}}"
_APPLICATIONS = "/providers/Microsoft.Solutions/applications"


class Applications:
    """GET of an application, of the applications of a subscription or resource group, and of a resource group."""

    def __init__(self, arm: ResourceManager) -> None:
        self._arm = arm
        customers, versions = arm.customers, APPLICATION_VERSIONS
        arm.serve(
            "GET",
            f"{_GROUP}{_APPLICATIONS}/{{name}}",
            versions,
            lambda request, _: ApplicationRead(customers.by_application(request.path.rstrip("/"))),
            self._application,
        )
        for scope in (_SUBSCRIPTION, _GROUP):
            path = f"{scope}{_APPLICATIONS}"
            arm.serve(
                "GET", path, versions, lambda _, found: ApplicationList(found["subscription"]), self._applications
            )
        arm.serve(
            "GET",
            _GROUP,
            GROUP_VERSIONS,
            lambda _, found: ResourceGroupRead(arm.customer_at(found)),
            self._resource_group,
        )

    def _application(self, request: ArmRequest) -> web.Response:
        path = request.path
        customer = self._arm.customers.by_application(request.http.path.rstrip("/"))
        if customer is None or customer.deleted:
            self._arm.require_subscription(path["subscription"])
            raise RefusedError(
                404,
                "ResourceNotFound",
                f"The Resource 'Microsoft.Solutions/applications/{path['name']}' under resource group "
                f"'{path['group']}' was not found.",
            )
        self._arm.authorize(request.token, customer, Access.APPLICATION, customer.application_id)
        return json_response(application_json(customer))

    def _applications(self, request: ArmRequest) -> web.Response:
        subscription, group = request.path["subscription"], request.path.get("group")
        self._arm.require_subscription(subscription)
        visible = [
            customer
            for customer in self._arm.customers.in_subscription(subscription)
            if not customer.deleted
            and customer.visible
            and Access.APPLICATION in customer.access
            and request.token.object_id in self._arm.authorized_object_ids
            and group in {None, customer.resource_group}
        ]
        return json_response({"value": [application_json(customer) for customer in visible]})

    def _resource_group(self, request: ArmRequest) -> web.Response:
        owner = self._arm.group_owner(request, Access.RESOURCE_GROUP)
        return json_response(
            {
                "id": owner.managed_resource_group_id,
                "name": owner.managed_resource_group,
                "type": "Microsoft.Resources/resourceGroups",
                "location": "westeurope",
                "managedBy": owner.application_id,
                "properties": {"provisioningState": "Succeeded"},
            }
        )


def application_json(customer: Customer) -> dict[str, Any]:
    """A managed application in Azure's spelling; much of it is null in practice, too."""
    marketplace = customer.kind == "MarketPlace"
    return {
        "id": customer.application_id,
        "name": customer.application_name,
        "type": "Microsoft.Solutions/applications",
        "location": "westeurope",
        "tags": None,
        "managedBy": None,
        "plan": customer.plan.as_json() if marketplace else None,
        "identity": None,
        "kind": customer.kind,
        "sku": None,
        "properties": {
            "applicationDefinitionId": None if marketplace else customer.application_definition_id,
            "managedResourceGroupId": customer.managed_resource_group_id,
            "outputs": None,
            "parameters": {},
            "provisioningState": customer.provisioning_state,
            "billingDetails": {"resourceUsageId": customer.usage_id} if marketplace else None,
            "jitAccessPolicy": customer.jit_access_policy,
            "publisherTenantId": None,
            "authorizations": [],
            "managementMode": customer.management_mode,
            "customerSupport": None,
            "supportUrls": None,
            "artifacts": [],
            "createdBy": None,
            "updatedBy": None,
        },
    }
