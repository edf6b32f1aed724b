"""What Bicep cannot check: cloud, region, resource providers and app registrations.

Every check answers with a Report. What could not be looked up is a note, never a silent pass.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from infra.hooks import parameters
from infra.hooks.account import endpoints_of, known_clouds
from infra.hooks.azure_cli import ask_list, ask_object, text, texts
from infra.hooks.report import Report

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.hooks.account import Account

INFRA: Final = Path(__file__).resolve().parents[2]
PRIVATE_MODE_PROVIDERS: Final = ("Microsoft.App", "Microsoft.Network")
"""Used with private networking only. The subnet that is delegated to Microsoft.App does not make ARM register it."""
ALWAYS_REGISTERED: Final = ("Microsoft.Authorization", "Microsoft.Consumption", "Microsoft.Resources")
"""Azure registers them with every subscription.

Source: https://learn.microsoft.com/azure/azure-resource-manager/management/azure-services-resource-providers
"""

_PROVIDER: Final = re.compile(r"'(Microsoft\.\w+)/")


def check_cloud(values: Mapping[str, Any], account: Account) -> tuple[Report, Mapping[str, Any]]:
    """Return the findings and the cloud's endpoints: the parameter cloud, else what clouds.json lists; or empty."""
    endpoints = values.get("cloud") or endpoints_of(account.cloud_name)
    if endpoints is None:
        problem = (
            f"cloud: infra/clouds.json does not list {account.cloud_name}, but only {', '.join(known_clouds())}; "
            "run: az cloud set --name <one of them>, or give the parameter cloud in infra/main.parameters.json"
        )
        return Report(problems=[problem]), {}
    if values.get("alertOnElevatedAccess") and not endpoints.get("resourceGraphInAlerts"):
        problem = f"alert queries cannot read Azure Resource Graph in {account.cloud_name}"
        return Report(problems=[parameters.refusal("alertOnElevatedAccess", problem, "false")]), endpoints
    return Report(), endpoints


def check_region(location: str) -> Report:
    """The region must offer Azure Functions on Flex Consumption; regions come and go, so Azure is asked."""
    answer = ask_list("functionapp", "list-flexconsumption-locations")
    regions = sorted({folded(text(region, "name")) for region in answer.data} - {""})
    if not regions:
        reason = answer.reason or "the list is empty"
        return Report(
            notes=[f"could not list the regions of Flex Consumption ({reason}); {location} is taken on trust"]
        )
    if folded(location) in regions:
        return Report()
    problem = f"{location} does not offer Azure Functions on Flex Consumption; choose one of {', '.join(regions)}"
    return Report(problems=[parameters.refusal("location", problem, "<region>")])


def check_app_registration(client_id: str, name: str) -> Report:
    """The registration needs a service principal in the publisher's tenant: roles are given to that, not to it.

    `name` is the parameter that holds the client id.
    """
    principal = ask_object("ad", "sp", "show", "--id", client_id)
    if principal.found:
        actual = principal.text("appId")
        if not actual or actual.lower() == client_id.lower():
            return Report()
        problem = f"{client_id} is the object id of a service principal, whose application (client) id is {actual}"
        return Report(problems=[parameters.refusal(name, problem, actual)])
    if principal.found is None:
        return Report(notes=[f"could not look up the service principal of {client_id} ({principal.reason})"])
    problem = f"{parameters.label(name)}: {client_id} has no service principal in this tenant; "
    return Report(problems=[problem + f"check the id, or run: az ad sp create --id {client_id}"])


def required_providers(infrastructure: Path = INFRA, *, is_private: bool) -> list[str]:
    """Return the namespaces of the resource types in the templates, without those that are always registered."""
    used = {
        provider
        for template in (infrastructure / "main.bicep", *(infrastructure / "modules").glob("*.bicep"))
        for provider in _PROVIDER.findall(template.read_text(encoding="utf-8"))
    }
    return sorted(used - set(ALWAYS_REGISTERED) - set(() if is_private else PRIVATE_MODE_PROVIDERS))


def check_providers(account: Account, *, is_private: bool) -> Report:
    """Every provider must be registered, or be one that the deployment may register.

    ARM registers the providers of a template's resources for whoever has the right to. It does not see the one that a
    subnet is only delegated to, so those of the private mode must be there before.
    """
    query = "[].{namespace:namespace,registrationState:registrationState}"
    answer = ask_list("provider", "list", "--query", query)
    required = required_providers(is_private=is_private)
    if not answer.data:
        reason = answer.reason or "the list is empty"
        commands = "; ".join(_register(provider) for provider in required)
        return Report(notes=[f"could not see which providers are registered ({reason}); if need be, run: {commands}"])
    registered = {
        text(entry, "namespace").lower() for entry in answer.data if text(entry, "registrationState") == "Registered"
    }
    missing = [provider for provider in required if provider.lower() not in registered]
    report = Report()
    permissions = _permissions(account) if missing else []
    for provider in missing:
        if is_private and provider in PRIVATE_MODE_PROVIDERS:
            place = parameters.label("privateNetworking")
            report.problems.append(
                f"{place}: the subscription has not registered {provider}; run: {_register(provider)}"
            )
        elif may(f"{provider}/register/action", permissions):
            report.notes.append(
                f"the subscription has not registered {provider} yet; the deployment does it, or: {_register(provider)}"
            )
        else:
            report.problems.append(
                f"the subscription has not registered {provider}, and who deploys is not known to have the right to; "
                f"somebody with Contributor on the subscription runs: {_register(provider)}"
            )
    return report


def may(action: str, permissions: list[Mapping[str, Any]]) -> bool:
    """Whether permissions at a scope (lists of actions and notActions with wildcards) contain an action."""
    return any(
        _matches(action, texts(permission, "actions")) and not _matches(action, texts(permission, "notActions"))
        for permission in permissions
    )


def folded(region: str) -> str:
    """Return a region's name as Azure compares it: westeurope for West Europe."""
    return region.replace(" ", "").lower()


def _permissions(account: Account) -> list[Mapping[str, Any]]:
    """What the signed-in one may do at the subscription; empty when that could not be asked."""
    url = (
        f"/subscriptions/{account.subscription_id}/providers/Microsoft.Authorization/permissions?api-version=2022-04-01"
    )
    answer = ask_object("rest", "--method", "get", "--url", url)
    listed = (answer.data or {}).get("value")
    return [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []


def _matches(action: str, patterns: list[str]) -> bool:
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)


def _register(provider: str) -> str:
    return f"az provider register --namespace {provider} --wait"
