"""Plays the resource providers Microsoft.Solutions and Microsoft.Resources: subscriptions, applications, their groups.

Source: the REST specifications of Microsoft.Solutions (2021-07-01) and Microsoft.Resources (subscriptions 2022-12-01).
"""

from __future__ import annotations

import base64
import uuid
from typing import TYPE_CHECKING, Any

from sandbox.errors import RefusedError, json_response
from sandbox.faults.operations import ApplicationList, ApplicationRead, ResourceGroupRead, SubscriptionList
from sandbox.world.customers import Access, Customer

if TYPE_CHECKING:
    from aiohttp import web

    from sandbox.azure.resource_manager import ArmRequest, ResourceManager

APPLICATION_VERSIONS = frozenset({"2019-07-01", "2021-07-01"})
SUBSCRIPTION_VERSIONS = frozenset({"2016-06-01", "2020-01-01", "2021-01-01", "2022-12-01"})
GROUP_VERSIONS = frozenset({"2020-06-01", "2021-04-01", "2022-09-01", "2023-07-01", "2024-03-01", "2024-11-01"})

_SUBSCRIPTION = "/subscriptions/{subscription}"
_GROUP = f"{_SUBSCRIPTION}/resourceGroups/{{group}}"
_APPLICATIONS = "/providers/Microsoft.Solutions/applications"


class Applications:
    """GET of the subscriptions, of an application, of those of a subscription or resource group, and of a group."""

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
        arm.serve("GET", "/subscriptions", SUBSCRIPTION_VERSIONS, lambda *_: SubscriptionList(), self._subscriptions)
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
        return self._page(request, [application_json(customer) for customer in visible])

    def _subscriptions(self, request: ArmRequest) -> web.Response:
        """Those in which the caller may read anything: also without a role on the subscription itself."""
        is_ours = request.token.object_id in self._arm.authorized_object_ids
        hidden = {one.lower() for one in self._arm.unlisted_subscriptions}
        owners = {
            customer.subscription_id.lower(): customer
            for customer in self._arm.customers.all()
            if is_ours and customer.visible and customer.access and not customer.deleted
        }
        listed = [self._subscription_json(owner) for key, owner in owners.items() if key not in hidden]
        return self._page(request, listed)

    def _subscription_json(self, owner: Customer) -> dict[str, Any]:
        return {
            "id": f"/subscriptions/{owner.subscription_id}",
            "subscriptionId": owner.subscription_id,
            "tenantId": str(uuid.uuid5(uuid.NAMESPACE_DNS, f"tenant-of-{owner.subscription_id}.sandbox.invalid")),
            "displayName": f"Subscription of {owner.name}",
            "state": self._arm.subscription_states.get(owner.subscription_id.lower(), "Enabled"),
            "subscriptionPolicies": {"quotaId": "EnterpriseAgreement_2014-09-01", "spendingLimit": "Off"},
            "authorizationSource": "RoleBased",
            "managedByTenants": [],
        }

    def _page(self, request: ArmRequest, members: list[dict[str, Any]]) -> web.Response:
        """One page of a list, with the address of the next one."""
        begin, size = _skipped(request), self._arm.list_page_size
        answer: dict[str, Any] = {"value": members[begin : begin + size]}
        if begin + size < len(members):
            token = base64.urlsafe_b64encode(str(begin + size).encode()).decode()
            answer["nextLink"] = str(request.http.url.update_query({"$skiptoken": token}))
        return json_response(answer)

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


def _skipped(request: ArmRequest) -> int:
    """How many members the pages before had."""
    token = request.http.query.get("$skiptoken")
    if token is None:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token))
    except ValueError as error:
        raise RefusedError(400, "InvalidSkipToken", "The skip token is invalid.") from error


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
