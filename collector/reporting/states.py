"""What rows need of a policy state: which policy was evaluated, and with which result for which resource.

The states of an application name a few policies and resources many times. So what depends on the policy or on the
resource alone is worked out once, and only the rest for each state.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final, NamedTuple

from publisher.resource_ids import fold, plain_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from publisher.policy_states.state import Text as TextAsSent

Text = str | None

COMPLIANCE_STATES: Final = frozenset(
    {
        "Compliant",
        "NonCompliant",
        "Exempt",
        "Unknown",
        "Conflict",
        "Conflicting",
        "Error",
        "Protected",
        "NotStarted",
        "NotRegistered",
        "NotApplicable",
    }
)
"""What Azure Policy is known to say of a resource (FACTS 2.5, and the states of its documentation)."""

_VERDICTS: Final = {"Compliant": True, "Exempt": True, "NonCompliant": False}
_WORDS: Final = {word.lower(): word for word in COMPLIANCE_STATES}
_JOINTS: Final = frozenset({"Pd", "Pc", "Cc", "Cf", "Zs", "Zl", "Zp"})
"""The categories of hyphens, underlines, blanks, and characters that nobody sees (soft hyphen, zero-width)."""


class Assignment(NamedTuple):
    """Which assignment a state is of, by its first POLICY_FIELDS; None when absent or null."""

    id: Text
    name: Text
    scope: Text

    @classmethod
    def of(cls, fields: Sequence[TextAsSent]) -> Assignment:
        """Return the assignment in the fields, without blanks around them and with ids as `plain_id` spells them."""
        assignment_id, name, scope = map(_stripped, fields)
        return cls(_plain(assignment_id), name, _plain(scope))


class Definition(NamedTuple):
    """Which definition a state is of, by the POLICY_FIELDS behind those of its assignment; None when absent or null.

    "" can mean none too (FACTS 2.5).
    """

    id: Text
    name: Text
    effect: Text
    reference_id: Text
    set_definition_id: Text

    @classmethod
    def of(cls, fields: tuple[TextAsSent, ...]) -> Definition:
        """Return the definition in the fields, without blanks around them and with ids as `plain_id` spells them."""
        definition_id, name, effect, reference_id, set_definition_id = map(_stripped, fields)
        return cls(_plain(definition_id), name, effect, reference_id, _plain(set_definition_id))


class Sighting(NamedTuple):
    """A resource and what is said of it, by as many states as say the same; None when absent or null."""

    resource_id: Text
    resource_type: Text
    resource_location: Text
    compliance_state: Text
    is_compliant: bool | None
    resource: str
    """The resource's id, folded for comparing; "" for none."""
    content: bytes
    """What a state's mark is made of, besides its policy."""

    @classmethod
    def of(cls, fields: Sequence[TextAsSent]) -> Sighting:
        """Return what a state says in its RESOURCE_FIELDS behind the time.

        Texts have no blanks around them. An id is as `plain_id` spells it, unless it is none, and the compliance state
        as documented: "non-compliant" is NonCompliant. One that is not known is only stripped.
        """
        resource_id, resource_type, location, said = map(_stripped, fields)
        if resource_id and "/" in resource_id:
            resource_id = plain_id(resource_id)
        if said not in COMPLIANCE_STATES:
            said = _compliance_state(said)
        resource = fold(resource_id or "")
        content = f"{said}\n{resource}".encode()
        return cls(resource_id, resource_type, location, said, is_compliant(said), resource, content)


def is_compliant(compliance_state: Text) -> bool | None:
    """Return True for Compliant and Exempt, False for NonCompliant, and None for every other or missing state."""
    return None if compliance_state is None else _VERDICTS.get(compliance_state)


def _stripped(text: TextAsSent) -> Text:
    return text.strip() if isinstance(text, str) else None


def _plain(text: Text) -> Text:
    return plain_id(text) if text else text


def _compliance_state(said: Text) -> Text:
    letters = "".join(one for one in said or "" if unicodedata.category(one) not in _JOINTS)
    return _WORDS.get(letters.lower()) or said or None
