"""What Bicep cannot check: region, sign-in, app registration, federated credential, resource providers.

Every check answers with a Report. What could not be looked up is a note, never a silent pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.hooks.azure_cli import ask
from infra.hooks.report import Report

if TYPE_CHECKING:
    from collections.abc import Mapping

PRIVATE_MODE_PROVIDERS = ("Microsoft.App", "Microsoft.Network")


def check_sign_in() -> tuple[Report, Mapping[str, Any]]:
    """Return the findings and the account that the CLI is signed in with (empty when it is not)."""
    account = ask("account", "show")
    if account.found:
        return Report(), account.data
    return Report(problems=[f"the Azure CLI is not signed in ({account.reason}): run az login"]), {}


def check_region(location: str) -> Report:
    """The region must offer Azure Functions on Flex Consumption; regions come and go, so Azure is asked."""
    answer = ask("functionapp", "list-flexconsumption-locations")
    if not answer.found:
        reason = answer.reason or "no answer"
        return Report(
            notes=[f"could not list the regions of Flex Consumption ({reason}); {location} is taken on trust"]
        )
    regions = sorted({_folded(region["name"]) for region in answer.data})
    if _folded(location) in regions:
        return Report()
    problem = f"location (AZURE_LOCATION): {location} does not offer Azure Functions on Flex Consumption; "
    return Report(problems=[problem + f"choose one of {', '.join(regions)}"])


def check_app_registration(client_id: str, parameter: str = "publisherClientId (PUBLISHER_CLIENT_ID)") -> Report:
    """The registration needs a service principal in the publisher's tenant: roles are given to that, not to it."""
    principal = ask("ad", "sp", "show", "--id", client_id)
    if principal.found:
        return Report()
    if principal.found is None:
        return Report(notes=[f"could not look up the service principal of {client_id} ({principal.reason})"])
    problem = f"{parameter}: {client_id} has no service principal in this tenant; "
    return Report(problems=[problem + f"check the id, or run: az ad sp create --id {client_id}"])


def check_federated_credential(client_id: str, resource_group: str, command: str = "") -> Report:
    """The registration must trust the app's identity, once that identity exists.

    `command` is the template's output that creates the credential; without it the deployment has to tell.
    """
    identities = ask("identity", "list", "--resource-group", resource_group)
    if identities.found is None:
        return Report(notes=[f"could not look for the app's identity ({identities.reason})"])
    ours = [entry for entry in identities.data or [] if entry["name"].startswith("id-app-")]
    if not ours:
        return Report(
            notes=["the app's identity does not exist yet: run the federated-credential command printed at the end"]
        )
    credentials = ask("ad", "app", "federated-credential", "list", "--id", client_id)
    if not credentials.found:
        return Report(notes=[f"could not list the federated credentials of {client_id} ({credentials.reason})"])
    trusted = {entry["subject"] for entry in credentials.data}
    subject = ours[0]["principalId"]
    if subject in trusted:
        return Report()
    hint = command or "azd env get-value FEDERATED_CREDENTIAL_COMMAND prints the command"
    return Report(
        problems=[
            f"the app registration {client_id} does not trust the app's identity {subject} yet. Create it: {hint}"
        ]
    )


def check_providers() -> Report:
    """A delegated subnet needs providers that a template does not register by itself."""
    report = Report()
    for provider in PRIVATE_MODE_PROVIDERS:
        answer = ask("provider", "show", "--namespace", provider)
        if answer.found is None:
            report.notes.append(f"could not see whether {provider} is registered ({answer.reason})")
        elif not answer.found or answer.data.get("registrationState") != "Registered":
            report.problems.append(
                f"privateNetworking (PRIVATE_NETWORKING): the subscription has not registered {provider}; "
                f"run: az provider register --namespace {provider} --wait"
            )
    return report


def _folded(region: str) -> str:
    return region.replace(" ", "").lower()
