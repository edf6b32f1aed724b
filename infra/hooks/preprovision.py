"""Before anything is deployed: are the values right, and is Azure ready for them? Run by azd and by the workflow.

Exit status 1 with one line per problem: what is wrong, and what to do. In an azd environment without a signature a
random one is made and kept there.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.hooks import account, parameters
from infra.hooks.azure_cli import TIMEOUT_SECONDS
from infra.hooks.before import cloud_checks
from infra.hooks.before.name_checks import check_names
from infra.hooks.before.values import check_values
from infra.hooks.federation import Trust, check_federation
from infra.hooks.names import API, WORKER, resource_names
from infra.hooks.report import Report
from infra.hooks.run import HookError, run_hook

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

    from infra.hooks.names import ResourceNames


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
            "set one yourself, 32 or more letters and digits, and not as an argument: docs/parameters.md#secrets"
        )
    environment["NOTIFICATION_SIGNATURE"] = signature
    sys.stdout.write("note: made a random NOTIFICATION_SIGNATURE and kept it in the azd environment\n")


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
    report.add(check_names(names, location, signed_in, has_api=bool(values.get("apiClientId"))))
    report.add(_check_registrations(values, signed_in))
    trusts = _trusts(values, signed_in, names)
    if trusts and endpoints:
        audience = str(endpoints.get("tokenExchangeAudience", ""))
        report.add(check_federation(trusts, signed_in, audience, names.resource_group))
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


def _trusts(values: Mapping[str, Any], signed_in: account.Account, names: ResourceNames) -> list[Trust]:
    """Which registration has to trust which identity."""
    if not signed_in.has_tenant(values.get("publisherTenantId", "")):
        return []
    trusts = []
    if values.get("credentialKind", "federated") == "federated":
        trusts.append(Trust(values["publisherClientId"], names.app(WORKER)))
    if values.get("apiClientId"):
        trusts.append(Trust(values["apiClientId"], names.app(API)))
    return trusts


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
