"""The summary of a run that deployed infra/: what there is now, and every command that a person needs next.

`python -m infra.hooks.summary OUTPUTS.json` prints Markdown; the file holds the outputs of the template as
`az deployment sub create --query properties.outputs` prints them. Everybody who may see the run reads it: it holds no
secret, and where one is needed the command that shows it on a person's own terminal.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from infra.hooks.deployment import NOTIFICATION_FUNCTION, SIGNATURE_PLACEHOLDER
from infra.hooks.run import HookError, run_hook

if TYPE_CHECKING:
    from collections.abc import Mapping

REQUIRED: Final = ("AZURE_RESOURCE_GROUP", "FRONT_APP_NAME", "WORKER_APP_NAME", "NOTIFICATION_ENDPOINT")
COLLECT_FUNCTION: Final = "collect_policy_states"
SITE_API_VERSION: Final = "2024-04-01"

SHOWN: Final = {
    "AZURE_RESOURCE_GROUP": "Resource group",
    "FRONT_APP_NAME": "App that answers the webhook (front)",
    "WORKER_APP_NAME": "App that collects (worker)",
    "API_APP_NAME": "App of the API and the operations page (api)",
    "KEY_VAULT_NAME": "Key vault",
    "STORAGE_ACCOUNT_NAME": "Storage account of the worker: registry and ledger",
    "LOG_ANALYTICS_WORKSPACE_ID": "Workspace id",
    "WORKER_IDENTITY_NAME": "Identity of the worker",
    "WORKER_IDENTITY_PRINCIPAL_ID": "Its object id",
    "ALERTS_IDENTITY_PRINCIPAL_ID": "Object id of the identity that runs alert queries",
    "API_REDIRECT_URI": "Redirect URI for the API's app registration",
    "OPERATIONS_PAGE": "Operations page",
}
"""The outputs that are listed, with their headings; those that are empty are left out."""


def read_outputs(file: Path) -> dict[str, Any]:
    """Return the values of the outputs by name, in capitals: ARM does not keep the case of the names.

    Raises:
        HookError: the file does not hold the outputs of our template.
    """
    repair = "write it with: az deployment sub create ... --query properties.outputs"
    try:
        document = json.loads(file.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise HookError(f"{file}: is not JSON ({error}); {repair}") from None
    if not isinstance(document, dict):
        raise HookError(f"{file}: holds no outputs; {repair}")
    outputs = {name.upper(): entry.get("value") for name, entry in document.items() if isinstance(entry, dict)}
    if missing := [name for name in REQUIRED if not _text(outputs, name)]:
        raise HookError(f"{file}: lacks the outputs {', '.join(missing)}; {repair}")
    return outputs


def summary(outputs: Mapping[str, Any], environment: Mapping[str, str]) -> str:
    """Return the Markdown. The environment is that of the workflow; what it does not tell becomes a placeholder."""
    sections = [
        _deployed(outputs),
        _notes(outputs),
        _trust(outputs),
        _code(outputs, environment),
        _partner_center(outputs, environment),
        _first_run(outputs),
    ]
    return "\n".join(line for section in sections for line in section).rstrip() + "\n"


def _deployed(outputs: Mapping[str, Any]) -> list[str]:
    rows = [f"| {heading} | {_text(outputs, name)} |" for name, heading in SHOWN.items() if _text(outputs, name)]
    return ["## What was deployed", "", "| | |", "|---|---|", *rows, ""]


def _notes(outputs: Mapping[str, Any]) -> list[str]:
    notes = outputs.get("NOTES")
    listed = [f"- {note}" for note in notes if isinstance(note, str)] if isinstance(notes, list) else []
    return ["**Asked for and left out:**", "", *listed, ""] if listed else []


def _trust(outputs: Mapping[str, Any]) -> list[str]:
    """The commands that make the registrations trust the app; the template leaves out those that are not needed."""
    commands = [_text(outputs, name) for name in ("FEDERATED_CREDENTIAL_COMMAND", "API_FEDERATED_CREDENTIAL_COMMAND")]
    if not any(commands):
        return []
    return [
        "## Once: make the app registration trust the worker",
        "",
        "On your own machine, signed in with `az login` as an owner of the app registration. Microsoft Entra ID takes",
        "a minute or two to accept it. When it is refused as a duplicate, there is one already:",
        "`infra.hooks.postdeploy` (below) says whether it is for the right identity, and if not, the command that",
        "corrects it.",
        "",
        *_block(*(command for command in commands if command)),
    ]


def _code(outputs: Mapping[str, Any], environment: Mapping[str, str]) -> list[str]:
    """How the package gets into the app: by the job after this one, or by az for whoever deploys a release."""
    if environment.get("GITHUB_ACTIONS"):
        name = environment.get("AZURE_ENV_NAME") or "<environment>"
        told = "The job *Code* of this run does it, unless the run is for the infrastructure alone. Then:"
        command = f"gh workflow run deploy.yml -f environment={name} -f parts=code"
    else:
        told = "The same package into each app, without a remote build: it is complete."
        group, names = _text(outputs, "AZURE_RESOURCE_GROUP"), ("WORKER_APP_NAME", "API_APP_NAME", "FRONT_APP_NAME")
        command = "\n".join(
            f"az functionapp deployment source config-zip --resource-group {group} --name {_text(outputs, name)} "
            "--src package.zip --build-remote false"
            for name in names
            if _text(outputs, name)
        )
    return ["## Deploy the code", "", told, "", *_block(command)]


def _partner_center(outputs: Mapping[str, Any], environment: Mapping[str, str]) -> list[str]:
    group, front, _, endpoint = (_text(outputs, name) for name in REQUIRED)
    client_id = environment.get("PUBLISHER_CLIENT_ID") or "<publisher client id>"
    publisher_tenant = environment.get("PUBLISHER_TENANT_ID", "")
    tenant = publisher_tenant or environment.get("AZURE_TENANT_ID") or "the tenant id of the subscription (below)"
    sign_in = f"az login --tenant {publisher_tenant} --allow-no-subscriptions"
    look_up_tenant = "az account show --query tenantId --output tsv"
    return [
        "## Partner Center, technical configuration of every plan",
        "",
        "| field | value |",
        "|---|---|",
        f"| Notification endpoint URL | `{endpoint}?code=<function key>&sig=<signature>` |",
        f"| Microsoft Entra tenant ID | {tenant} |",
        "| Authorization, principal | object id of the service principal (below) |",
        "| Authorization, role | Contributor |",
        "",
        "The object id of the service principal, and the tenant that it is in:",
        "",
        *_block(
            sign_in if publisher_tenant else look_up_tenant, f"az ad sp show --id {client_id} --query id --output tsv"
        ),
        f"The function key is a secret, and there once the code is deployed: in the portal, {front} > Functions > ",
        f"{NOTIFICATION_FUNCTION} > Function Keys > default.",
        "",
        f"{SIGNATURE_PLACEHOLDER} Or let the whole URL be printed, from a clone of this repository:",
        "",
        *_block(f"python3 -m infra.hooks.postdeploy --group {group}"),
    ]


def _first_run(outputs: Mapping[str, Any]) -> list[str]:
    group, _, worker, _ = (_text(outputs, name) for name in REQUIRED)
    workspace = _text(outputs, "LOG_ANALYTICS_WORKSPACE_ID") or "<workspace id>"
    query = "PolicyCollectionRuns_CL | top 3 by TimeGenerated"
    start = f'"$SITE/hostruntime/admin/functions/{COLLECT_FUNCTION}?api-version={SITE_API_VERSION}"'
    return [
        "## First run, and what came of it",
        "",
        "The collector runs by itself at the next full interval. To start it now (bash or zsh); Azure Resource Manager",
        "passes it on, so no key is needed:",
        "",
        *_block(
            f"SITE=$(az functionapp show --resource-group {group} --name {worker} --query id --output tsv)",
            f"az rest --method post --url {start} --body '{{}}'",
        ),
        "The first rows of a new table can take 15 minutes to appear. In private mode the workspace answers inside the",
        "network only.",
        "",
        *_block(
            "az extension add --name log-analytics --version 1.0.0b1 --allow-preview true",
            f'az monitor log-analytics query --workspace {workspace} --analytics-query "{query}"',
        ),
    ]


def _block(*commands: str) -> list[str]:
    return ["```sh", *commands, "```", ""]


def _text(outputs: Mapping[str, Any], name: str) -> str:
    value = outputs.get(name)
    return value if isinstance(value, str) else ""


def main(arguments: list[str]) -> int:
    """Print the summary."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m infra.hooks.summary OUTPUTS.json\n")
        return 2
    sys.stdout.write(summary(read_outputs(Path(arguments[0])), os.environ))
    return 0


if __name__ == "__main__":
    sys.exit(run_hook(lambda: main(sys.argv[1:])))
