"""What was deployed: from the outputs of the template that azd keeps, or asked from Azure by a team without azd."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from infra.hooks.azure_cli import ask_list, text
from infra.hooks.names import API, FRONT, ROLES, WORKER
from infra.hooks.run import HookError

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTIFICATION_FUNCTION: Final = "managed_application_notification"
SIGN_IN_PATH: Final = "/.auth/login/aad?post_login_redirect_uri=/api/dashboard"
"""Where people sign in and then see the operations page, see main.bicep."""
SIGNATURE_PLACEHOLDER: Final = (
    "The signature is what you gave GitHub as the secret NOTIFICATION_SIGNATURE; who has lost it makes a new one, see "
    "docs/operations.md (reading it from the key vault raises the alert on that)."
)
"""Said where a URL cannot show the signature. GitHub shows no secret again, and the vault is watched."""

_OUTPUTS: Final = (
    "AZURE_RESOURCE_GROUP",
    "FRONT_APP_NAME",
    "WORKER_APP_NAME",
    "NOTIFICATION_ENDPOINT",
    "PUBLISHER_CLIENT_ID",
)
_SERVICE_TAG: Final = "azd-service-name"
_DEPLOY: Final = "run: azd provision, or the workflow Deploy"


@dataclass(frozen=True, slots=True)
class Deployment:
    """One installation. An empty `tenant_id` stands for the tenant of the subscription, an empty `api` for no API."""

    resource_group: str
    front: str
    worker: str
    api: str
    endpoint: str
    client_id: str
    tenant_id: str
    is_federated: bool
    api_client_id: str
    operations_page: str


def from_environment(environment: Mapping[str, str]) -> Deployment | None:
    """Return what azd's environment says; None when it lacks an output, because nothing was provisioned from it."""
    if not all(environment.get(name) for name in _OUTPUTS):
        return None
    group, front, worker, endpoint, client_id = (environment[name] for name in _OUTPUTS)
    return Deployment(
        resource_group=group,
        front=front,
        worker=worker,
        api=environment.get("API_APP_NAME", ""),
        endpoint=endpoint,
        client_id=client_id,
        tenant_id=environment.get("PUBLISHER_TENANT_ID", ""),
        is_federated=(environment.get("CREDENTIAL_KIND") or "federated") == "federated",
        api_client_id=environment.get("API_CLIENT_ID", ""),
        operations_page=environment.get("OPERATIONS_PAGE", ""),
    )


def apps_of(resource_group: str) -> dict[str, Mapping[str, Any]]:
    """Return the function apps of an installation by their role, as az lists them; without the api when it is off.

    Raises:
        HookError: front or worker is not there, or the apps could not be listed.
    """
    listed = ask_list("functionapp", "list", "--resource-group", resource_group)
    if listed.found is None:
        raise HookError(f"could not look for the function apps in {resource_group} ({listed.reason})")
    apps = {text(entry, "tags", _SERVICE_TAG): entry for entry in listed.data}
    found = {role: apps[role] for role in ROLES if role in apps}
    if missing := [role for role in (FRONT, WORKER) if role not in found]:
        raise HookError(f"there is no function app {' and no '.join(missing)} in {resource_group} yet; {_DEPLOY}")
    return found


def from_azure(resource_group: str) -> Deployment:
    """Return what Azure says about the function apps of a resource group and their settings.

    Raises:
        HookError: an app is missing, or could not be read.
    """
    apps = apps_of(resource_group)
    settings = _settings(resource_group, text(apps[WORKER], "name"))
    of_api = _settings(resource_group, text(apps[API], "name")) if API in apps else {}
    host = host_name(apps[FRONT])
    if not host or not settings.get("AZURE_CLIENT_ID"):
        raise HookError(f"the function apps in {resource_group} are not complete; {_DEPLOY}")
    return Deployment(
        resource_group=resource_group,
        front=text(apps[FRONT], "name"),
        worker=text(apps[WORKER], "name"),
        api=text(apps.get(API), "name"),
        endpoint=f"https://{host}/api",
        client_id=settings["AZURE_CLIENT_ID"],
        tenant_id=settings.get("AZURE_TENANT_ID", ""),
        is_federated="PUBLISHER_FEDERATED_IDENTITY_CLIENT_ID" in settings,
        api_client_id=of_api.get("API_CLIENT_ID", ""),
        operations_page=f"https://{host_name(apps[API])}{SIGN_IN_PATH}" if API in apps else "",
    )


def _settings(resource_group: str, app: str) -> dict[str, str]:
    listed = ask_list("functionapp", "config", "appsettings", "list", "--resource-group", resource_group, "--name", app)
    if not listed.found:
        raise HookError(f"the settings of the function app {app} could not be read ({listed.reason})")
    return {text(entry, "name"): text(entry, "value") for entry in listed.data}


def host_name(app: Mapping[str, Any] | None) -> str:
    """Return the host name of a function app; az shows one on Flex Consumption as ARM does, with `properties`."""
    return text(app, "defaultHostName") or text(app, "properties", "defaultHostName")
