"""Whether the names that a deployment gives its resources are free, or belong to it already."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from infra.hooks import parameters
from infra.hooks.azure_cli import ObjectAnswer, ask_list, ask_object, text
from infra.hooks.before.cloud_checks import folded
from infra.hooks.federation import IDENTITY_PREFIX
from infra.hooks.names import API, FRONT
from infra.hooks.report import Report

if TYPE_CHECKING:
    from infra.hooks.account import Account
    from infra.hooks.names import ResourceNames


def check_names(names: ResourceNames, location: str, account: Account, *, has_api: bool) -> Report:
    """Return a problem for every name that stands in the way. What is in our resource group already is ours."""
    group = ask_object("group", "show", "--name", names.resource_group)
    place = group.text("location")
    if group.found is None or (group.found and not place):
        reason = group.reason or "az group show tells no location"
        return Report(notes=[f"could not look for the resource group {names.resource_group} ({reason})"])
    ours: set[str] = set()
    if group.found:
        if folded(place) != folded(location):
            problem = f"the resource group {names.resource_group} is in {place} and cannot move; "
            return Report(
                problems=[
                    parameters.refusal("location", problem + "deploy there, or choose another AZURE_ENV_NAME", place)
                ]
            )
        listed = ask_list("resource", "list", "--resource-group", names.resource_group)
        if not listed.found:
            return Report(notes=[f"could not list what is in {names.resource_group} ({listed.reason})"])
        ours = {text(entry, "name").lower() for entry in listed.data}
        others = sorted(name for name in ours if name.startswith(IDENTITY_PREFIX))
        if others and names.app(FRONT).identity not in others:
            problem = (
                f"{names.resource_group} holds an installation with other names ({', '.join(others)}), because names "
                "follow from how the region is spelled; a second one beside it would not work"
            )
            return Report(problems=[parameters.refusal("location", problem, "<region as it was spelled before>")])
    return _check_free(names, location, account, ours, has_group=bool(group.found), has_api=has_api)


def _check_free(
    names: ResourceNames, location: str, account: Account, ours: set[str], *, has_group: bool, has_api: bool
) -> Report:
    """Names that are unique in the whole of Azure must be free, unless the resource is ours."""
    report = Report()
    if names.key_vault not in ours:
        deleted = _check_deleted_vault(names, location, has_group=has_group)
        report.add(deleted)
        if not deleted.problems:
            answer = _ask_for_name(names.key_vault, "Microsoft.KeyVault/vaults", "2023-07-01", account)
            report.add(_availability("key vault", names.key_vault, answer))
    for app in names.apps:
        if app.role == API and not has_api:
            continue
        if app.storage_account not in ours:
            answer = ask_object("storage", "account", "check-name", "--name", app.storage_account)
            report.add(_availability("storage account", app.storage_account, answer))
        if app.function_app not in ours:
            answer = _ask_for_name(app.function_app, "Microsoft.Web/sites", "2023-12-01", account)
            report.add(_availability("function app", app.function_app, answer))
    return report


def _check_deleted_vault(names: ResourceNames, location: str, *, has_group: bool) -> Report:
    """A deleted vault keeps its name for 90 days. Purge protection forbids to purge it, so it is recovered.

    It comes back in the resource group that it was in, which has to exist for that.
    """
    deleted = ask_list("keyvault", "list-deleted", "--resource-type", "vault")
    if not deleted.found:
        return Report(notes=[f"could not list deleted key vaults ({deleted.reason})"])
    if names.key_vault not in {text(entry, "name").lower() for entry in deleted.data}:
        return Report()
    group, region = names.resource_group, folded(location)
    first = "" if has_group else f"az group create --name {group} --location {region}, and then: "
    recover = f"az keyvault recover --name {names.key_vault} --location {region} --resource-group {group}"
    problem = f"the name of the key vault {names.key_vault} is held by a deleted vault, which cannot be purged; run: "
    return Report(problems=[f"{problem}{first}{recover}"])


def _ask_for_name(name: str, kind: str, api_version: str, account: Account) -> ObjectAnswer:
    """Ask whether a name of a resource type is free. The body is a file: cmd would spoil quotes in arguments.

    `az keyvault check-name` asks about managed HSMs only, and for sites there is no command.
    """
    provider = f"/subscriptions/{account.subscription_id}/providers/{kind.partition('/')[0]}"
    url = f"{provider}/checkNameAvailability?api-version={api_version}"
    with tempfile.TemporaryDirectory() as folder:
        body = Path(folder) / "body.json"
        body.write_text(json.dumps({"name": name, "type": kind}), encoding="utf-8")
        return ask_object("rest", "--method", "post", "--url", url, "--body", f"@{body}")


def _availability(kind: str, name: str, answer: ObjectAnswer) -> Report:
    is_free = (answer.data or {}).get("nameAvailable")
    if not isinstance(is_free, bool):
        reason = answer.reason or "the answer does not say it"
        return Report(notes=[f"could not see whether the name of the {kind} {name} is free ({reason})"])
    if is_free:
        return Report()
    told = " ".join((answer.text("message") or answer.text("reason")).split())
    problem = (
        f"{parameters.label('environmentName')}: the name of the {kind} {name} is taken outside this deployment"
        f"{f' ({told})' if told else ''}; names follow from the environment's name, so choose another; "
    )
    if os.environ.get("GITHUB_ACTIONS"):
        repair = "make a GitHub environment with another name: docs/github.md, step 4"
    else:
        repair = "run: azd env new <other name>"
    return Report(problems=[problem + repair])
