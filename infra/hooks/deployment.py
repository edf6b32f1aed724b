"""What was deployed: from the outputs of the template that azd keeps, or asked from Azure by a team without azd."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from infra.hooks.azure_cli import ask_list, text
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

_OUTPUTS: Final = ("AZURE_RESOURCE_GROUP", "FUNCTION_APP_NAME", "NOTIFICATION_ENDPOINT", "PUBLISHER_CLIENT_ID")
_SERVICE_TAG: Final = "azd-service-name"
_SERVICE: Final = "collector"


@dataclass(frozen=True, slots=True)
class Deployment:
    """One installation. An empty `tenant_id` stands for the tenant of the subscription."""

    resource_group: str
    function_app: str
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
    group, app, endpoint, client_id = (environment[name] for name in _OUTPUTS)
    return Deployment(
        resource_group=group,
        function_app=app,
        endpoint=endpoint,
        client_id=client_id,
        tenant_id=environment.get("PUBLISHER_TENANT_ID", ""),
        is_federated=(environment.get("CREDENTIAL_KIND") or "federated") == "federated",
        api_client_id=environment.get("API_CLIENT_ID", ""),
        operations_page=environment.get("OPERATIONS_PAGE", ""),
    )


def from_azure(resource_group: str) -> Deployment:
    """Return what Azure says about the function app of a resource group and its settings.

    Raises:
        HookError: there is no function app, or it could not be read.
    """
    apps = ask_list("functionapp", "list", "--resource-group", resource_group)
    if apps.found is None:
        raise HookError(f"could not look for the function app in {resource_group} ({apps.reason})")
    app = next((entry for entry in apps.data if text(entry, "tags", _SERVICE_TAG) == _SERVICE), None)
    if app is None:
        raise HookError(f"there is no function app in {resource_group} yet; run: azd provision, or the workflow Deploy")
    name = text(app, "name")
    listed = ask_list(
        "functionapp", "config", "appsettings", "list", "--resource-group", resource_group, "--name", name
    )
    if not listed.found:
        raise HookError(f"the settings of the function app {name} could not be read ({listed.reason})")
    settings = {text(entry, "name"): text(entry, "value") for entry in listed.data}
    host = host_name(app)
    if not host or not settings.get("AZURE_CLIENT_ID"):
        raise HookError(f"the function app {name} is not complete; run: azd provision, or the workflow Deploy")
    api_client_id = settings.get("API_CLIENT_ID", "")
    return Deployment(
        resource_group=resource_group,
        function_app=name,
        endpoint=f"https://{host}/api",
        client_id=settings["AZURE_CLIENT_ID"],
        tenant_id=settings.get("AZURE_TENANT_ID", ""),
        is_federated="PUBLISHER_FEDERATED_IDENTITY_CLIENT_ID" in settings,
        api_client_id=api_client_id,
        operations_page=f"https://{host}{SIGN_IN_PATH}" if api_client_id else "",
    )


def host_name(app: Mapping[str, Any] | None) -> str:
    """Return the host name of a function app; az shows one on Flex Consumption as ARM does, with `properties`."""
    return text(app, "defaultHostName") or text(app, "properties", "defaultHostName")
