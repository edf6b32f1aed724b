"""The condition that bounds the deployer's right to assign roles: the roles of this product, to service principals.

`python -m infra.pipeline.role_condition` prints it for `az role assignment create --condition`.
Source: learn.microsoft.com/azure/role-based-access-control/delegate-role-assignments-examples, "Constrain roles and
principal types".
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

from infra.hooks.run import run_hook

WELL_KNOWN_IDS: Final = Path(__file__).resolve().parent.parent / "well_known_ids.json"
_ATTRIBUTE: Final = "Microsoft.Authorization/roleAssignments"


def condition() -> str:
    """Return the condition, in version 2.0 of Azure's language for them, on one line."""
    roles = json.loads(WELL_KNOWN_IDS.read_text(encoding="utf-8"))["roles"].values()
    ids = ", ".join(sorted(role["id"] for role in roles))
    # A new assignment is described by the request, one that is to be deleted by the resource.
    return f"{_bounded('write', '@Request', ids)} AND {_bounded('delete', '@Resource', ids)}"


def _bounded(action: str, source: str, ids: str) -> str:
    return (
        f"((!(ActionMatches{{'{_ATTRIBUTE}/{action}'}})) OR "
        f"({source}[{_ATTRIBUTE}:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {{{ids}}} AND "
        f"{source}[{_ATTRIBUTE}:PrincipalType] ForAnyOfAnyValues:StringEqualsIgnoreCase {{'ServicePrincipal'}}))"
    )


def main() -> int:
    """Print the condition."""
    sys.stdout.write(f"{condition()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(run_hook(main))
