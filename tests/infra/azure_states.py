"""What az answers in the states that a deployment can be in, for tests that play them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from infra.hooks import parameters, preprovision
from infra.hooks.federation import Credential, create_command
from infra.hooks.names import resource_names
from tests.infra.test_parameters import ENVIRONMENT, GUID

SUBSCRIPTION = "aaaaaaaa-0000-0000-0000-000000000001"
TENANT = "bbbbbbbb-0000-0000-0000-000000000002"
PRINCIPAL = "cccccccc-0000-0000-0000-000000000003"
"""The worker's."""
FRONT_PRINCIPAL = "cccccccc-0000-0000-0000-000000000013"
API_PRINCIPAL = "cccccccc-0000-0000-0000-000000000023"
NAMES = resource_names(SUBSCRIPTION, ENVIRONMENT["AZURE_ENV_NAME"], ENVIRONMENT["AZURE_LOCATION"])
FRONT, WORKER, API = (NAMES.app(role) for role in ("front", "worker", "api"))

NO_GROUP = (
    "ERROR: (ResourceGroupNotFound) Resource group 'rg-production' could not be found.\nCode: ResourceGroupNotFound"
)
NO_IDENTITY = "ERROR: (ResourceNotFound) The Resource 'x' under resource group 'rg-production' was not found."
REFUSED = "ERROR: (AuthorizationFailed) The client does not have authorization to perform action 'x' or does not exist."

CREDENTIAL = Credential(
    name="compliance-collector-production",
    issuer=f"https://login.microsoftonline.com/{TENANT}/v2.0",
    subject=PRINCIPAL,
    audience="api://AzureADTokenExchange",
)
TRUST = {"id": "f1", "name": CREDENTIAL.name, **CREDENTIAL.document()}
CREATE = create_command(GUID, CREDENTIAL)


def create_for_api(client_id: str) -> str:
    """The command that makes the API's registration trust the api."""
    return create_command(client_id, replace(CREDENTIAL, subject=API_PRINCIPAL))


PROVIDERS = (
    "Microsoft.App",
    "microsoft.insights",
    "Microsoft.KeyVault",
    "Microsoft.ManagedIdentity",
    "Microsoft.Network",
    "Microsoft.OperationalInsights",
    "Microsoft.Storage",
    "Microsoft.Web",
)

Answers = dict[str, Any]
AzureCli = Callable[[Answers], Path]
"""Lets az give answers by how its arguments begin; returns the file in which every call is noted."""


def providers(*missing: str) -> list[dict[str, str]]:
    """The providers of a subscription, some of them not registered."""
    return [
        {"namespace": name, "registrationState": "NotRegistered" if name in missing else "Registered"}
        for name in PROVIDERS
    ]


def resources(*names: str) -> list[dict[str, str]]:
    """The resources of the group, as az lists them."""
    return [{"name": name} for name in names]


SIGNED_IN: Answers = {
    "account show": {"id": SUBSCRIPTION, "tenantId": TENANT, "environmentName": "AzureCloud"},
    "cloud show": {"name": "AzureCloud", "endpoints": {"activeDirectory": "https://login.microsoftonline.com"}},
    "functionapp list-flexconsumption-locations": [{"name": "westeurope"}, {"name": "North Europe"}],
    "provider list": providers(),
    "ad sp show": {"id": "the-object-id"},
}
FREE: Answers = {
    "keyvault list-deleted": [],
    "storage account check-name": {"nameAvailable": True},
    "rest --method post": {"nameAvailable": True},
}
IDENTITY: Answers = {
    "identity list": [
        {"name": "id-alerts-x", "principalId": "other"},
        {"name": FRONT.identity, "principalId": FRONT_PRINCIPAL},
        {"name": WORKER.identity},
        {"name": API.identity, "principalId": API_PRINCIPAL},
    ],
    f"identity show --resource-group rg-production --name {FRONT.identity}": {"principalId": FRONT_PRINCIPAL},
    f"identity show --resource-group rg-production --name {WORKER.identity}": {"principalId": PRINCIPAL},
    f"identity show --resource-group rg-production --name {API.identity}": {"principalId": API_PRINCIPAL},
}
GROUP: Answers = {"group show": {"location": "westeurope"}}

NOTHING: Answers = {**SIGNED_IN, **FREE, "group show": NO_GROUP, "identity list": NO_GROUP, "identity show": NO_GROUP}
EMPTY_GROUP: Answers = {
    **SIGNED_IN, **FREE, **GROUP, "resource list": [], "identity list": [], "identity show": NO_IDENTITY
}  # fmt: skip
IDENTITY_ONLY: Answers = {
    **SIGNED_IN, **FREE, **GROUP, **IDENTITY,
    "resource list": resources(FRONT.identity, WORKER.identity),
    "ad app federated-credential list": [],
}  # fmt: skip
TAKEN: Answers = {
    "storage account check-name": {"nameAvailable": False, "reason": "AlreadyExists", "message": "It is\n taken."},
    "rest --method post": {"nameAvailable": False, "reason": "AlreadyExists"},
}
"""What Azure says about our own names, too, once they exist."""
ALL_BUT_THE_APP: Answers = {
    **IDENTITY_ONLY, **TAKEN,
    "resource list": resources(
        FRONT.identity, WORKER.identity, NAMES.key_vault, FRONT.storage_account, WORKER.storage_account
    ),
    "rest --method post": {"nameAvailable": True},
}  # fmt: skip
EVERYTHING: Answers = {
    **ALL_BUT_THE_APP, **TAKEN,
    "resource list": resources(
        NAMES.key_vault,
        *(name for app in NAMES.apps for name in (app.identity, app.storage_account, app.function_app)),
    ),
    "ad app federated-credential list": [TRUST],
}  # fmt: skip


def check(**changes: str) -> preprovision.Report:
    """What is found at Azure before a deployment with these parameters changed."""
    environment = {**ENVIRONMENT, **changes}
    return preprovision.check_azure(parameters.resolve(environment), environment)
