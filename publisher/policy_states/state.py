"""One policy state, as Policy Insights documents it, and how an odd one is read (FACTS 2.4, 2.5)."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from publisher.lenient_json import text_of
from publisher.texts import well_formed

Text = str | None | msgspec.UnsetType
"""A member of a state: null, and UNSET for one that is absent, both mean that it says nothing."""

POLICY_FIELDS: Final = (
    "policyAssignmentId",
    "policyAssignmentName",
    "policyAssignmentScope",
    "policyDefinitionId",
    "policyDefinitionName",
    "policyDefinitionAction",
    "policyDefinitionReferenceId",
    "policySetDefinitionId",
)
"""The fields that say which policy was evaluated."""

RESOURCE_FIELDS: Final = ("timestamp", "resourceId", "resourceType", "resourceLocation", "complianceState")
"""The fields that say which resource was evaluated, when, and with which result."""

ASSIGNMENT: Final = slice(POLICY_FIELDS.index("policyDefinitionId"))
DEFINITION: Final = slice(ASSIGNMENT.stop, len(POLICY_FIELDS))
POLICY: Final = slice(len(POLICY_FIELDS))
TIME: Final = len(POLICY_FIELDS) + RESOURCE_FIELDS.index("timestamp")
RESOURCE: Final = slice(TIME + 1, len(POLICY_FIELDS) + len(RESOURCE_FIELDS))
"""Where a PolicyState as a tuple has which fields: of its assignment, its definition, both, the time, the resource."""

SELECTED_FIELDS: Final = RESOURCE_FIELDS + POLICY_FIELDS
"""The fields of a state that are asked for ($select). ``isCompliant`` is deprecated and never asked for."""


class PolicyState(msgspec.Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    """The selected fields of a policy state, those of its policy first, and what comes beside them unasked.

    `msgspec.structs.astuple` has them in this order: POLICY_FIELDS, then RESOURCE_FIELDS.
    """

    policy_assignment_id: Text = msgspec.UNSET
    policy_assignment_name: Text = msgspec.UNSET
    policy_assignment_scope: Text = msgspec.UNSET
    policy_definition_id: Text = msgspec.UNSET
    policy_definition_name: Text = msgspec.UNSET
    policy_definition_action: Text = msgspec.UNSET
    policy_definition_reference_id: Text = msgspec.UNSET
    policy_set_definition_id: Text = msgspec.UNSET
    timestamp: Text = msgspec.UNSET
    resource_id: Text = msgspec.UNSET
    resource_type: Text = msgspec.UNSET
    resource_location: Text = msgspec.UNSET
    compliance_state: Text = msgspec.UNSET
    odata_id: Text = msgspec.field(name="@odata.id", default=msgspec.UNSET)
    odata_context: Text = msgspec.field(name="@odata.context", default=msgspec.UNSET)


class WholePolicyState(PolicyState, rename="camel", forbid_unknown_fields=True, gc=False):
    """A policy state with all members that come without $expand, as a service sends it that takes no notice of $select.

    None may have a number: one can be written longer and shorter, which `page` could not tell from a second member.
    """

    effective_parameters: Text = msgspec.UNSET
    is_compliant: bool | msgspec.UnsetType | None = msgspec.UNSET
    subscription_id: Text = msgspec.UNSET
    resource_group: Text = msgspec.UNSET
    resource_tags: Text = msgspec.UNSET
    policy_assignment_owner: Text = msgspec.UNSET
    policy_assignment_parameters: Text = msgspec.UNSET
    policy_assignment_version: Text = msgspec.UNSET
    policy_definition_category: Text = msgspec.UNSET
    policy_definition_group_names: list[str] | msgspec.UnsetType | None = msgspec.UNSET
    policy_definition_version: Text = msgspec.UNSET
    policy_set_definition_name: Text = msgspec.UNSET
    policy_set_definition_owner: Text = msgspec.UNSET
    policy_set_definition_category: Text = msgspec.UNSET
    policy_set_definition_parameters: Text = msgspec.UNSET
    policy_set_definition_version: Text = msgspec.UNSET
    management_group_ids: Text = msgspec.UNSET


_FIELDS: Final = POLICY_FIELDS + RESOURCE_FIELDS
_AS_DOCUMENTED: Final = frozenset(_FIELDS)


def state_of(document: dict[str, Any]) -> PolicyState:
    """Return the state in a JSON object, whatever the letter case of its members' names.

    Values of other types than text are their JSON. Null stands behind the same member in another spelling that has a
    value. Lone surrogates become U+FFFD.
    """
    values = [document.get(name) for name in _FIELDS]
    if None in values and not document.keys() <= _AS_DOCUMENTED:
        filled = {name.lower(): value for name, value in document.items() if value is not None}
        values = [
            filled.get(name.lower()) if value is None else value for name, value in zip(_FIELDS, values, strict=True)
        ]
    return PolicyState(*[None if value is None else _text(value) for value in values])


def _text(value: Any) -> str:
    return well_formed(value if isinstance(value, str) else text_of(value))
