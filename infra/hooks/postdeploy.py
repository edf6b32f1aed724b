"""After the code is deployed: the values for Partner Center, the notification URL, and what is still to be done.

azd runs it. Without azd: `python -m infra.hooks.postdeploy --group RESOURCE_GROUP`, signed in with the Azure CLI.
The URL holds two secrets. It is printed in full on a person's terminal only; a log gets placeholders and the command.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Final

from infra.hooks import deployment
from infra.hooks.account import check_sign_in, endpoints_of
from infra.hooks.azure_cli import ask_object
from infra.hooks.federation import Trust, check_federation
from infra.hooks.keys import function_keys
from infra.hooks.names import API, WORKER, app_names, resource_group, token_of
from infra.hooks.run import HookError, run_hook
from infra.hooks.surplus_rights import check_rights

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.hooks.account import Account
    from infra.hooks.deployment import Deployment

MASKED: Final = ("<function key>", "<signature>")


def notification_url(deployed: Deployment, signature: str, *, in_full: bool) -> tuple[str, list[str]]:
    """Return the URL for the plan's notification endpoint, and a line for each placeholder and each choice in it.

    Azure appends /resource to the path by itself. `in_full` asks Azure for the function's keys: the default one is
    taken, or the first when a rotation has removed that. During a rotation the signature has two values: the new one
    comes first, and that is the one to register.
    """
    code, missing = MASKED[0], list[str]()
    if in_full:
        keys, reason = function_keys(deployed.resource_group, deployed.front)
        name, code = next(iter(keys.items()), ("", code))
        if not keys:
            missing.append(f"{code}: could not be read ({reason}); deploy the code first, then run this again")
        if len(keys) > 1:
            others = ", ".join(other for other in keys if other != name)
            missing.append(f"code is the key {name}; the function has others, and takes any of them: {others}")
        if not signature:
            missing.append(deployment.SIGNATURE_PLACEHOLDER)
        signature = signature.split(",", maxsplit=1)[0].strip() or MASKED[1]
    else:
        signature = MASKED[1]
    return f"{deployed.endpoint}?code={code}&sig={signature}", missing


def partner_center(deployed: Deployment, account: Account | None, url: str) -> str:
    """Return what the plan in Partner Center needs, one value per line. Without an account nothing is looked up."""
    look_up = f"az ad sp show --id {deployed.client_id} --query id --output tsv"
    if account is None:
        tenant, object_id = deployed.tenant_id or "(run: az account show --query tenantId --output tsv)", ""
    elif account.has_tenant(deployed.tenant_id):
        tenant = account.tenant_id
        object_id = ask_object("ad", "sp", "show", "--id", deployed.client_id).text("id")
    else:
        tenant, object_id = deployed.tenant_id, ""
        look_up = f"az login --tenant {tenant} --allow-no-subscriptions, and then: {look_up}"
    principal = object_id or f"(run: {look_up})"
    return "\n".join(
        (
            "",
            "Partner Center, technical configuration of the plan:",
            f"  Notification endpoint URL : {url}",
            f"  Microsoft Entra tenant ID : {tenant}",
            f"  Authorization, principal  : {principal}  (object id of the service principal, not the client id)",
            "  Authorization, role       : Contributor",
            "",
        )
    )


def unfinished(deployed: Deployment, account: Account) -> list[str]:
    """Return one line for each app registration that does not trust its identity yet, and for each surplus right."""
    report = check_rights(deployed)
    endpoints = endpoints_of(account.cloud_name)
    token = token_of(deployed.front)
    trusts = [Trust(deployed.client_id, app_names(WORKER, token))] if deployed.is_federated else []
    trusts += [Trust(deployed.api_client_id, app_names(API, token))] if deployed.api_client_id else []
    if trusts and endpoints is not None and account.has_tenant(deployed.tenant_id):
        report.add(check_federation(trusts, account, endpoints["tokenExchangeAudience"], deployed.resource_group))
    return [*report.problems, *report.notes]


def main(arguments: Sequence[str] = ()) -> int:
    """Print the values; 0 also when something is still to be done, because the deployment itself has succeeded."""
    group: str | None = _parser().parse_args(arguments).group
    in_full = sys.stdout.isatty() and not os.environ.get("CI")
    report, account = check_sign_in(os.environ)
    deployed = None if group else deployment.from_environment(os.environ)
    if deployed is None:
        if account is None:
            raise HookError("; ".join(report.problems))
        deployed = deployment.from_azure(group or _group_of(os.environ))
    for problem in report.problems:
        sys.stderr.write(f"problem: {problem}\n")
    signature = os.environ.get("NOTIFICATION_SIGNATURE", "")
    url, missing = notification_url(deployed, signature, in_full=in_full and account is not None)
    sys.stdout.write(partner_center(deployed, account, url))
    for line in missing:
        sys.stdout.write(f"{line}\n")
    if not in_full:
        command = f"python3 -m infra.hooks.postdeploy --group {deployed.resource_group}"
        sys.stdout.write(f"The URL holds two secrets. In full, on a terminal: azd hooks run postdeploy, or {command}\n")
    if deployed.operations_page:
        sys.stdout.write(f"Operations page: {deployed.operations_page}\n")
    for line in unfinished(deployed, account) if account else []:
        sys.stdout.write(f"Still to do: {line}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m infra.hooks.postdeploy", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--group", metavar="RESOURCE_GROUP", help="ask Azure about this resource group, without azd")
    return parser


def _group_of(environment: Mapping[str, str]) -> str:
    """The resource group to look into when the environment has no outputs."""
    if group := environment.get("AZURE_RESOURCE_GROUP"):
        return group
    if name := environment.get("AZURE_ENV_NAME"):
        return resource_group(name)
    raise HookError(
        "nothing says which deployment is meant; run: azd hooks run postdeploy, or: "
        "python3 -m infra.hooks.postdeploy --group <resource group>"
    )


if __name__ == "__main__":
    sys.exit(run_hook(lambda: main(sys.argv[1:])))
