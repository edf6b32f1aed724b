"""How many policy states of a managed resource group say what: the query for Azure Resource Graph, and its rows.

The table `policyresources` has the states as resources of the type microsoft.policyinsights/policystates, with the
members that Policy Insights gives them below `properties`. Sources: learn.microsoft.com/azure/governance/policy/
samples/resource-graph-samples, and public collections of queries, such as brianveldman/arg-kit.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from publisher.lenient_json import member
from publisher.resource_ids import fold

_LARGEST_COUNT: Final = 2**53

# An assignment belongs to the group when its scope or its id is there. States that say neither of the three are not
# counted: those of effect manual without an attestation (Unknown) are among them. A column `id` is what Resource Graph
# needs to give a token for the next page.
QUERY: Final = """policyresources
| where type =~ 'microsoft.policyinsights/policystates'
| extend
    resource = tolower(tostring(properties.resourceId)),
    scope = tolower(tostring(properties.policyAssignmentScope)),
    assignment = tolower(tostring(properties.policyAssignmentId)),
    state = tolower(tostring(properties.complianceState))
| extend managedGroup = extract('^(/subscriptions/[^/]+/resourcegroups/[^/]+)', 1, resource)
| where isnotempty(managedGroup)
| where strcat(scope, '/') startswith strcat(managedGroup, '/') or assignment startswith strcat(managedGroup, '/')
| summarize
    noncompliant = countif(state == 'noncompliant'),
    compliant = countif(state == 'compliant'),
    exempt = countif(state == 'exempt')
    by id = managedGroup
| order by id asc"""
"""One row for each resource group that has states of assignments at it or inside it; `id` is the group's, folded."""


class StateCounts(NamedTuple):
    """Numbers of policy states of the assignments at a managed resource group or inside it, by what they say."""

    noncompliant: int = 0
    compliant: int = 0
    exempt: int = 0

    def __str__(self) -> str:
        """The three numbers, as in 3/297/0: non-compliant, compliant, exempt."""
        return "/".join(map(str, self))


def counts_in(row: Any) -> tuple[str, StateCounts] | None:
    """Return the folded id of the group in a row, and its counts; None for a row that does not have both."""
    group = member(row, "id")
    numbers = [member(row, name) for name in StateCounts._fields]
    if not isinstance(group, str) or not group.strip():
        return None
    if not all(type(number) is int and 0 <= number <= _LARGEST_COUNT for number in numbers):
        return None
    return fold(group.strip()), StateCounts(*numbers)
