"""Before a workflow deploys: is the resource group the one of this environment?

`python -m infra.pipeline.environment_guard` reads AZURE_ENV_NAME and AZURE_LOCATION; exit status 1 with one line per
problem. The resource group exists before the first deployment, because the deployer has rights on it alone. Its tag
keeps an environment from the resources of another one whose name leads to the same resource group.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Final

from infra.hooks.azure_cli import ask_object, text
from infra.hooks.before.cloud_checks import folded
from infra.hooks.run import run_hook

if TYPE_CHECKING:
    from collections.abc import Mapping

TAG: Final = "azd-env-name"


def problem(environment: Mapping[str, str]) -> str:
    """Return what is in the way, with the command that repairs it; empty when nothing is."""
    name, location = environment.get("AZURE_ENV_NAME", ""), environment.get("AZURE_LOCATION", "")
    if not name:
        return "AZURE_ENV_NAME is empty: the workflow takes it from the GitHub environment"
    if not location:
        return f"AZURE_LOCATION is empty: gh variable set AZURE_LOCATION --env {name} --body <region>"
    group = f"rg-{name}"
    answer = ask_object("group", "show", "--name", group)
    if answer.found is None:
        return f"the resource group {group} could not be looked up ({answer.reason})"
    create = f"az group create --name {group} --location {folded(location)} --tags {TAG}={name}"
    return _problem_of(answer.data or {}, name, location, create) if answer.found else f"there is no {group}: {create}"


def _problem_of(group: Mapping[str, Any], name: str, location: str, create: str) -> str:
    owner, region = text(group, "tags", TAG), text(group, "location")
    if not owner:
        return f"rg-{name} has no tag {TAG}; if it is meant for {name}: {create}"
    if owner != name:
        return f"rg-{name} belongs to the environment {owner}, not to {name}: nothing is deployed"
    if folded(region) != folded(location):
        repair = f"gh variable set AZURE_LOCATION --env {name} --body {region}"
        return f"AZURE_LOCATION is {location}, but rg-{name} is in {region}: {repair}"
    return ""


def main() -> int:
    """Print the problem; 0 when there is none."""
    found = problem(os.environ)
    if found:
        sys.stderr.write(f"problem: {found}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(run_hook(main))
