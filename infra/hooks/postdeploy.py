"""After the code is deployed: the values for Partner Center, the notification URL, and what is still to be done.

The URL holds two secrets. It is printed in full on a person's terminal only; a log gets placeholders and the command.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from infra.hooks import cloud_checks
from infra.hooks.azure_cli import ask

if TYPE_CHECKING:
    from collections.abc import Mapping

FUNCTION: Final = "managed_application_notification"
MASKED: Final = ("<function key>", "<signature>")


def notification_url(environment: Mapping[str, str], *, in_full: bool) -> str:
    """Return the URL for the plan's notification endpoint; Azure appends /resource to its path.

    `in_full` asks Azure for the function's key; a key that cannot be read stays a placeholder.
    """
    code, signature = MASKED
    if in_full:
        app, group = environment["FUNCTION_APP_NAME"], environment["AZURE_RESOURCE_GROUP"]
        keys = ask("functionapp", "function", "keys", "list", "-n", app, "-g", group, "--function-name", FUNCTION)
        code = keys.data.get("default", code) if keys.found else code
        # During a rotation the new value comes first, and that is the one to register.
        signature = environment.get("NOTIFICATION_SIGNATURE", "").split(",")[0] or signature
    return f"{environment['NOTIFICATION_ENDPOINT']}?code={code}&sig={signature}"


def partner_center(environment: Mapping[str, str], *, in_full: bool) -> str:
    """Return what the plan in Partner Center needs, one value per line."""
    client_id = environment["PUBLISHER_CLIENT_ID"]
    principal = ask("ad", "sp", "show", "--id", client_id)
    object_id = principal.data["id"] if principal.found else f"(look it up: az ad sp show --id {client_id} --query id)"
    account = ask("account", "show")
    tenant = account.data["tenantId"] if account.found else "(look it up: az account show --query tenantId)"
    return "\n".join(
        (
            "",
            "Partner Center, technical configuration of the plan:",
            f"  Notification endpoint URL : {notification_url(environment, in_full=in_full)}",
            f"  Microsoft Entra tenant ID : {tenant}",
            f"  Authorization, principal  : {object_id}  (object id of the service principal, not the client id)",
            "  Authorization, role       : Contributor",
            "",
        )
    )


def unfinished(environment: Mapping[str, str]) -> list[str]:
    """Return one line for each app registration that does not trust the app's identity yet."""
    trusts = []
    if environment.get("CREDENTIAL_KIND", "federated") == "federated":
        trusts.append((environment["PUBLISHER_CLIENT_ID"], environment.get("FEDERATED_CREDENTIAL_COMMAND", "")))
    if environment.get("API_CLIENT_ID"):
        trusts.append((environment["API_CLIENT_ID"], environment.get("API_FEDERATED_CREDENTIAL_COMMAND", "")))
    group = environment["AZURE_RESOURCE_GROUP"]
    reports = [cloud_checks.check_federated_credential(client_id, group, command) for client_id, command in trusts]
    return [line for report in reports for line in (*report.problems, *report.notes)]


def main() -> int:
    """Print the values; 0 also when something is still to be done, because the deployment itself has succeeded."""
    in_full = sys.stdout.isatty() and not os.environ.get("CI")
    sys.stdout.write(partner_center(os.environ, in_full=in_full))
    if not in_full:
        sys.stdout.write("The URL holds two secrets. In full, on a terminal: azd hooks run postdeploy\n")
    if page := os.environ.get("OPERATIONS_PAGE"):
        sys.stdout.write(f"Operations page: {page}\n")
    for line in unfinished(os.environ):
        sys.stdout.write(f"Still to do: {line}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
