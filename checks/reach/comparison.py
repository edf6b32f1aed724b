"""Compares the rights that the templates give with infra/allowed_rights.json."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from checks.reach.dependence import undecided
from checks.reach.other_ways import other_ways
from checks.reach.rights import IDENTITY, ROLE_ASSIGNMENT, Right, carriers, rights, where
from checks.reach.scenarios import VARIED, WHEN, scenarios
from checks.templates.deployment import INFRASTRUCTURE, deploy
from checks.templates.functions import UNIQUE
from checks.templates.parser import read
from checks.templates.syntax import NotUnderstood

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from checks.templates.deployment import Deployment

ALLOWED: Final = "allowed_rights.json"
_RUNS_AS: Final = {
    "id-app-…": "Microsoft.Web/sites func-…",
    "id-worker-…": "Microsoft.Web/sites func-worker-…",
    "id-api-…": "Microsoft.Web/sites func-api-…",
    "id-alerts-…": "Microsoft.Insights/scheduledQueryRules",
}
"""What runs as each identity, and nothing else."""

_IN_JSON: Final = re.compile(r'"type"\s*:\s*"Microsoft\.Authorization/role', re.IGNORECASE)
_READS_NO_DATA: Final = "!(ActionMatches{'Microsoft.OperationalInsights/workspaces/tables/data/read'})"
_TABLE: Final = "@Resource[Microsoft.OperationalInsights/workspaces/tables:name] StringEquals"


@dataclass(frozen=True, slots=True)
class Allowed:
    """A right that somebody may have, when, and what it is for."""

    right: Right
    role_name: str
    when: str
    purpose: str


def allowed(infrastructure: Path = INFRASTRUCTURE) -> list[Allowed]:
    """Return what allowed_rights.json lists, in its order."""
    roles = json.loads((infrastructure / "well_known_ids.json").read_text(encoding="utf-8"))["roles"]
    entries = json.loads((infrastructure / ALLOWED).read_text(encoding="utf-8"))
    return [_allowed(entry, roles[entry["role"]]) for entry in entries]


def _allowed(entry: Mapping[str, Any], role: Mapping[str, str]) -> Allowed:
    names = " OR ".join(f"{_TABLE} '{table}'" for table in entry.get("tables", ()))
    condition = f"(({_READS_NO_DATA}) OR ({names}))" if names else ""
    identity, scope = (entry[key].replace("{unique}", UNIQUE) for key in ("identity", "scope"))
    return Allowed(Right(identity, role["id"], scope, condition), role["name"], entry["when"], entry["for"])


def problems(infrastructure: Path = INFRASTRUCTURE) -> list[str]:
    """Return a line for each right that is wider than allowed, or that cannot be judged; empty when all is well."""
    found: dict[str, None] = {}
    given: dict[Right, list[Mapping[str, Any]]] = {}
    made: set[tuple[Path, int]] = set()
    looked_at = scenarios()
    for parameters in looked_at:
        try:
            deployment = deploy(parameters, infrastructure)
        except NotUnderstood as error:
            return [f"{error}; what cannot be computed cannot be judged"]
        in_deployment, not_understood = rights(deployment)
        for right in in_deployment:
            given.setdefault(right, []).append(parameters)
        made |= {(resource.file, resource.line) for resource in deployment.resources}
        found |= dict.fromkeys([*not_understood, *other_ways(deployment), *_carriers(deployment)])
    found |= dict.fromkeys(_compared(given, looked_at, allowed(infrastructure)))
    found |= dict.fromkeys([*_never_made(infrastructure, made), *undecided(infrastructure, VARIED)])
    return list(found)


def _compared(
    given: Mapping[Right, list[Mapping[str, Any]]], looked_at: list[dict[str, Any]], listed: list[Allowed]
) -> Iterator[str]:
    by_right = {one.right: one for one in listed}
    for right in sorted(given.keys() - by_right.keys()):
        condition = f" on the condition {right.condition}" if right.condition else ""
        yield f"{right.identity} gets {right.role_id} on {right.scope}{condition}, which {ALLOWED} does not allow"
    for right, one in by_right.items():
        expected = [parameters for parameters in looked_at if WHEN[one.when](parameters)]
        actual = given.get(right, [])
        if not actual:
            yield f"{ALLOWED}: no template gives {right.identity} the role {one.role_name} on {right.scope}"
        elif actual != expected:
            yield f"{right.identity} gets {one.role_name} on {right.scope} not only, or not always, when: {one.when}"


def _carriers(deployment: Deployment) -> Iterator[str]:
    for identity, carrier in sorted(carriers(deployment)):
        if _RUNS_AS.get(identity) != carrier:
            yield f"{carrier} runs as {identity}, which only {_RUNS_AS.get(identity, 'nobody')} may"
    for made in deployment.of_type(IDENTITY):
        if made.name not in _RUNS_AS:
            yield f"{where(made)}: the identity {made.name} is not known"


def _never_made(infrastructure: Path, made: set[tuple[Path, int]]) -> Iterator[str]:
    """Role assignments that stand somewhere and were in none of the deployments: nobody has judged them.

    The samples are not the product's: what they give, they give to the customer's own resources.
    """
    for path in _of_the_product(infrastructure, "*.bicep"):
        for declaration in read(path):
            kind = declaration.source.partition("@")[0].lower()
            is_one = declaration.kind == "resource" and kind == ROLE_ASSIGNMENT.lower() and not declaration.is_existing
            if is_one and (path.resolve(), declaration.line) not in made:
                yield f"{path.name}:{declaration.line}: {declaration.name} is a role assignment that no parameters make"
    for path in _of_the_product(infrastructure, "*.json"):
        if _IN_JSON.search(path.read_text(encoding="utf-8")):
            yield f"{path.name}: role assignments of a template in JSON are not looked at here"


def _of_the_product(infrastructure: Path, pattern: str) -> list[Path]:
    samples = infrastructure / "samples"
    return sorted(path for path in infrastructure.rglob(pattern) if samples not in path.parents)
