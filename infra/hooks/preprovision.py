"""Before anything is deployed: are the values right, and is Azure ready for them? Run by azd and by the workflow.

Exit status 1 with one line per problem: what is wrong, and what to do. In an azd environment without a signature a
random one is made and kept there.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

from infra.hooks import cloud_checks, parameters
from infra.hooks.report import Report

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping

_GUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ENVIRONMENT_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,31}")
_SIGNATURE: Final = re.compile(r"[A-Za-z0-9._~-]{32,}")
_EMAIL: Final = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;]+")


def provide_signature(environment: MutableMapping[str, str]) -> None:
    """Make a random signature when azd runs the hook and there is none; it stays in the azd environment."""
    azd = shutil.which("azd")
    if environment.get("NOTIFICATION_SIGNATURE") or azd is None or not environment.get("AZURE_ENV_NAME"):
        return
    signature = secrets.token_urlsafe(32)
    command = [azd, "env", "set", "NOTIFICATION_SIGNATURE", signature, "--environment", environment["AZURE_ENV_NAME"]]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - fixed program and arguments
    environment["NOTIFICATION_SIGNATURE"] = signature
    sys.stdout.write("note: made a random NOTIFICATION_SIGNATURE and kept it in the azd environment\n")


def check_values(values: Mapping[str, Any]) -> Report:
    """What the template's decorators cannot say about the values."""
    report = Report(problems=parameters.problems(values))
    spoken = " ".join(report.problems)

    def complain(name: str, message: str) -> None:
        if f"{name} (" not in spoken:
            report.problems.append(f"{name} ({parameters.variables_of(name)}): {message}")

    if not _ENVIRONMENT_NAME.fullmatch(values["environmentName"]):
        complain("environmentName", "use letters, digits and dashes, 32 at most")
    if not _GUID.fullmatch(values["publisherClientId"]):
        complain("publisherClientId", "must be the application (client) id of the app registration, a GUID")
    if not _EMAIL.fullmatch(values["alertEmail"]):
        complain("alertEmail", "is not an e-mail address")
    if not all(_SIGNATURE.fullmatch(part) for part in values["notificationSignature"].split(",")):
        complain(
            "notificationSignature", "each value needs 32 or more letters, digits or - . _ ~ (it is part of a URL)"
        )
    if not all(uri.strip().startswith("https://") for uri in values["alertWebhookUris"].split(",") if uri.strip()):
        complain("alertWebhookUris", "every webhook must begin with https://")
    _check_api_values(values, complain)
    if values["credentialKind"] == "federated" and values["publisherCredential"]:
        complain("publisherCredential", "is not used in federated mode: leave it empty, and delete the secret it holds")
    return report


def _check_api_values(values: Mapping[str, Any], complain: Callable[[str, str], None]) -> None:
    client_id, allowed = values["apiClientId"], values["apiAllowedClients"]
    if client_id and not _GUID.fullmatch(client_id):
        complain("apiClientId", "must be the application (client) id of the API's own app registration, a GUID")
    elif client_id and client_id.lower() == values["publisherClientId"].lower():
        complain("apiClientId", "must not be the registration that reads the customers: make one for the API")
    if allowed and not all(_GUID.fullmatch(part.strip()) for part in allowed.split(",")):
        complain("apiAllowedClients", "must be client ids (GUIDs) with commas between")
    if allowed and not client_id:
        complain("apiAllowedClients", "is set without apiClientId: there is no API that they could call")


def check_azure(values: Mapping[str, Any], environment: Mapping[str, str]) -> Report:
    """What only Azure knows."""
    report, account = cloud_checks.check_sign_in()
    if not account:
        return report
    report.add(cloud_checks.check_region(values["location"]))
    report.add(cloud_checks.check_app_registration(values["publisherClientId"]))
    if values["apiClientId"]:
        report.add(cloud_checks.check_app_registration(values["apiClientId"], "apiClientId (API_CLIENT_ID)"))
    if values["credentialKind"] == "federated":
        group, command = f"rg-{values['environmentName']}", environment.get("FEDERATED_CREDENTIAL_COMMAND", "")
        report.add(cloud_checks.check_federated_credential(values["publisherClientId"], group, command))
    elif not values["publisherCredential"]:
        report.notes.append("publisherCredential (PUBLISHER_CREDENTIAL) is empty: the key vault must already hold it")
    if values["privateNetworking"]:
        report.add(cloud_checks.check_providers())
    return report


def main() -> int:
    """Check values first, Azure second: wrong values would only cause confusing answers there."""
    provide_signature(os.environ)
    values = parameters.resolve(os.environ)
    report = check_values(values)
    if not report.problems:
        report.add(check_azure(values, os.environ))
    return report.tell("Checks before the deployment")


if __name__ == "__main__":
    sys.exit(main())
