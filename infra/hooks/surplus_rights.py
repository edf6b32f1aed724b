"""Rights that the identities of an installation have and the template does not give: left over, or given by hand.

A deployment deletes no role assignment. What the single app of before had stays with the identity of the front until
somebody takes it away.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from infra.hooks.azure_cli import ask_list, ask_object, text
from infra.hooks.names import app_names, token_of
from infra.hooks.report import Report

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.hooks.deployment import Deployment

ALLOWED: Final = Path(__file__).resolve().parent.parent / "allowed_rights.json"
WELL_KNOWN_IDS: Final = ALLOWED.with_name("well_known_ids.json")


def check_rights(deployed: Deployment) -> Report:
    """Return a note for each right of an app that allowed_rights.json does not list, with the command that takes it."""
    report = Report()
    token = token_of(deployed.front)
    for role, app in (("front", deployed.front), ("worker", deployed.worker), ("api", deployed.api)):
        if not app:
            continue
        name = app_names(role, token).identity
        identity = ask_object("identity", "show", "--resource-group", deployed.resource_group, "--name", name)
        principal = identity.text("principalId")
        listed = ask_list("role", "assignment", "list", "--all", "--assignee", principal) if principal else None
        if listed is None or not listed.found:
            reason = (listed or identity).reason or "it tells no principalId"
            report.notes.append(f"could not see what {name} may do ({reason})")
            continue
        allowed = _allowed(name, token, deployed.resource_group)
        report.notes += [
            f"the {role}'s identity {name} is {text(entry, 'roleDefinitionName')} on {text(entry, 'scope')}, which the "
            f"template does not give it; unless you did, run: az role assignment delete --ids {text(entry, 'id')}"
            for entry in listed.data
            if _right(entry) not in allowed
        ]
    return report


def _allowed(identity: str, token: str, resource_group: str) -> set[tuple[str, str]]:
    """Roles (by id) and scopes (below the subscription) of an identity, folded."""
    roles = json.loads(WELL_KNOWN_IDS.read_text(encoding="utf-8"))["roles"]
    entries: list[dict[str, Any]] = json.loads(ALLOWED.read_text(encoding="utf-8"))
    return {
        (
            roles[entry["role"]]["id"].lower(),
            f"/resourcegroups/{resource_group}/providers/{entry['scope'].replace('{unique}', token)}".lower(),
        )
        for entry in entries
        if entry["identity"].replace("{unique}", token) == identity
    }


def _right(entry: Mapping[str, Any]) -> tuple[str, str]:
    role = text(entry, "roleDefinitionId").rpartition("/")[2].lower()
    # /subscriptions/<id>/resourceGroups/...
    scope = "/".join(["", *text(entry, "scope").lower().split("/")[3:]])
    return role, scope
