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
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from infra.hooks import account, cloud_checks, parameters
from infra.hooks.azure_cli import TIMEOUT_SECONDS
from infra.hooks.federation import check_federation
from infra.hooks.name_checks import check_names
from infra.hooks.names import resource_names
from infra.hooks.report import Report
from infra.hooks.run import HookError, run_hook

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

_GUID: Final = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_SIGNATURE: Final = r"[A-Za-z0-9._~-]{32,}"
FORMS: Final = {
    "environmentName": (r"[A-Za-z0-9][A-Za-z0-9-]{0,31}", "use letters, digits and dashes, 32 at most"),
    "location": (r"[A-Za-z0-9]+( [A-Za-z0-9]+)*", "must be the name of an Azure region, for instance westeurope"),
    "publisherClientId": (_GUID, "must be the application (client) id of the app registration, a GUID"),
    "publisherTenantId": (_GUID, "must be the id of the app registration's tenant, a GUID, or empty"),
    "alertEmail": (r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;]+", "is not an e-mail address"),
    "notificationSignature": (
        rf"{_SIGNATURE}(,{_SIGNATURE})*",
        "each value needs 32 or more letters, digits or - . _ ~ (it is part of a URL)",
    ),
    "alertWebhookUris": (r"(\s*(https://[^,]+)?(,|$))*", "every webhook must begin with https://"),
    "apiClientId": (_GUID, "must be the application (client) id of the API's own app registration, a GUID"),
    "apiAllowedClients": (rf"\s*{_GUID}\s*(,\s*{_GUID}\s*)*", "must be client ids (GUIDs) with commas between"),
}
"""What a value that is not empty has to look like, and what is said when it does not."""


def provide_signature(environment: MutableMapping[str, str]) -> None:
    """Make a random signature when azd runs the hook and there is none; it stays in the azd environment.

    azd reads it from a file that only its owner can read: arguments of a process can be seen by others.

    Raises:
        HookError: azd did not take it.
    """
    azd = shutil.which("azd")
    name = environment.get("AZURE_ENV_NAME")
    if environment.get("NOTIFICATION_SIGNATURE") or azd is None or not name:
        return
    signature = secrets.token_urlsafe(32)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "signature.env"
        file.touch(mode=0o600)
        file.write_text(f'NOTIFICATION_SIGNATURE="{signature}"\n', encoding="utf-8")
        command = [azd, "env", "set", "--file", str(file), "--environment", name]
        try:
            done = subprocess.run(  # noqa: S603 - fixed program and arguments
                command,
                check=False,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                stdin=subprocess.DEVNULL,
                timeout=TIMEOUT_SECONDS,
            )
        except subprocess.TimeoutExpired:
            complaint = f"it gave no answer within {TIMEOUT_SECONDS} s"
        except OSError as error:
            complaint = f"it could not be started: {error.strerror or error}"
        else:
            complaint = " ".join(done.stderr.replace(signature, "***").split()) or f"it ended with {done.returncode}"
            complaint = complaint if done.returncode else ""
    if complaint:
        raise HookError(
            f"azd could not keep a random NOTIFICATION_SIGNATURE in the environment {name} ({complaint}); "
            "set one yourself, 32 or more letters and digits: azd env set NOTIFICATION_SIGNATURE <value>"
        )
    environment["NOTIFICATION_SIGNATURE"] = signature
    sys.stdout.write("note: made a random NOTIFICATION_SIGNATURE and kept it in the azd environment\n")


def check_values(values: Mapping[str, Any]) -> Report:
    """What the template's declarations say about the values, and what they cannot say."""
    found = parameters.complaints(values)

    def given(name: str) -> Any:
        """The value of a parameter that is right so far; empty for another, which is complained about already."""
        return "" if name in found else values.get(name, "")

    for name, (form, message) in FORMS.items():
        if (value := given(name)) and not re.fullmatch(form, value):
            found[name] = message
    if given("apiClientId") and given("apiClientId").lower() == given("publisherClientId").lower():
        found["apiClientId"] = "must not be the registration that reads the customers: make one for the API"
    if given("apiAllowedClients") and not values.get("apiClientId"):
        found["apiAllowedClients"] = "is set without apiClientId: there is no API that they could call"
    if given("credentialKind") == "federated" and given("publisherCredential"):
        found["publisherCredential"] = "is not used in federated mode: leave it empty, and delete the secret it holds"
    report = Report(problems=parameters.lines(found))
    if given("alertOnElevatedAccess") and given("privateNetworking"):
        message = "alert queries cannot read Azure Resource Graph over private link, so not with privateNetworking"
        report.problems.append(parameters.refusal("alertOnElevatedAccess", message, "false"))
    return report


def check_azure(values: Mapping[str, Any], environment: Mapping[str, str]) -> Report:
    """What only Azure knows. Nothing else is asked while the CLI looks at another subscription than the deployment."""
    report, signed_in = account.check_sign_in(environment)
    if signed_in is None:
        return report
    location = values["location"]
    names = resource_names(signed_in.subscription_id, values["environmentName"], location)
    found, endpoints = cloud_checks.check_cloud(values, signed_in)
    report.add(found)
    report.add(cloud_checks.check_region(location))
    report.add(cloud_checks.check_providers(signed_in, is_private=bool(values.get("privateNetworking"))))
    report.add(check_names(names, location, signed_in))
    report.add(_check_registrations(values, signed_in))
    trusting = _trusting(values, signed_in)
    if trusting and endpoints:
        audience = str(endpoints.get("tokenExchangeAudience", ""))
        report.add(check_federation(trusting, signed_in, audience, names.resource_group, names.app_identity))
    if values.get("credentialKind", "federated") != "federated" and not values.get("publisherCredential"):
        report.notes.append("publisherCredential (PUBLISHER_CREDENTIAL) is empty: the key vault must already hold it")
    return report


def _check_registrations(values: Mapping[str, Any], signed_in: account.Account) -> Report:
    """The app registrations, and what cannot be when they are in another tenant than the subscription."""
    tenant_id, client_id = values.get("publisherTenantId", ""), values["publisherClientId"]
    api_client_id = values.get("apiClientId", "")
    report = Report()
    if signed_in.has_tenant(tenant_id):
        report.add(cloud_checks.check_app_registration(client_id, "publisherClientId"))
        if api_client_id:
            report.add(cloud_checks.check_app_registration(api_client_id, "apiClientId"))
        return report
    place = f"{tenant_id} is not the tenant of the subscription, {signed_in.tenant_id}"
    if values.get("credentialKind", "federated") == "federated":
        message = f"cannot be federated: publisherTenantId (PUBLISHER_TENANT_ID) {place}, and a registration can trust "
        message += "a managed identity of its own tenant only"
        report.problems.append(parameters.refusal("credentialKind", message, "certificate"))
    if api_client_id:
        message = (
            f"must be empty: publisherTenantId (PUBLISHER_TENANT_ID) {place}, and sign-in to the API works in the "
        )
        message += "tenant of the subscription only"
        report.problems.append(parameters.refusal("apiClientId", message, ""))
    report.notes.append(
        f"publisherTenantId (PUBLISHER_TENANT_ID): {place}, so the registration {client_id} was not looked for; "
        f"to look, run: az login --tenant {tenant_id} --allow-no-subscriptions, "
        f"and then: az ad sp show --id {client_id}"
    )
    return report


def _trusting(values: Mapping[str, Any], signed_in: account.Account) -> list[str]:
    """The client ids of the registrations that have to trust the app's identity."""
    if not signed_in.has_tenant(values.get("publisherTenantId", "")):
        return []
    publisher = [values["publisherClientId"]] if values.get("credentialKind", "federated") == "federated" else []
    return [*publisher, *([values["apiClientId"]] if values.get("apiClientId") else [])]


def main() -> int:
    """Check values first, Azure second: wrong values would only cause confusing answers there."""
    provide_signature(os.environ)
    values = parameters.resolve(os.environ)
    report = check_values(values)
    if not report.problems:
        report.add(check_azure(values, os.environ))
    return report.tell("Checks before the deployment")


if __name__ == "__main__":
    sys.exit(run_hook(main))
