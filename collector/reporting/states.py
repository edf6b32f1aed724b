"""The fields of a policy state that rows need: which policy was evaluated, and with which result for which resource.

The states of an application name a few policies many times and most resources once. So what depends on the policy alone
is worked out once for each application, and only the rest for each state.
"""

from __future__ import annotations

import unicodedata
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from publisher.lenient_json import text_of
from publisher.policy_states import POLICY_FIELDS, RESOURCE_FIELDS, SELECTED_FIELDS
from publisher.resource_ids import plain_id

if TYPE_CHECKING:
    from collections.abc import Callable

Text = str | None

raw_policy: Final[Callable[[dict[str, Any]], tuple[Any, ...]]] = itemgetter(*POLICY_FIELDS)
"""The POLICY_FIELDS of a state as it came; KeyError when one is missing."""

raw_resource: Final[Callable[[dict[str, Any]], tuple[Any, ...]]] = itemgetter(*RESOURCE_FIELDS)
"""The RESOURCE_FIELDS of a state as it came; KeyError when one is missing."""

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

_AS_DOCUMENTED: Final = frozenset(SELECTED_FIELDS)
_IDS: Final = frozenset({"policyAssignmentId", "policyAssignmentScope", "policyDefinitionId", "policySetDefinitionId"})


class Policy(NamedTuple):
    """The POLICY_FIELDS of a state; None when absent or null. "" can mean none too (FACTS 2.5)."""

    assignment_id: Text
    assignment_name: Text
    assignment_scope: Text
    definition_id: Text
    definition_name: Text
    effect: Text
    definition_reference_id: Text
    set_definition_id: Text

    @classmethod
    def of(cls, document: dict[str, Any]) -> Policy:
        """Return the policy of a state, ids without slashes too many; other types than text are as `_texts` says."""
        texts = _texts(document, POLICY_FIELDS)
        return cls._make(
            plain_id(text) if text and name in _IDS else text for name, text in zip(POLICY_FIELDS, texts, strict=True)
        )


class Evaluation(NamedTuple):
    """The RESOURCE_FIELDS of a state; None when absent or null."""

    timestamp: Text
    resource_id: Text
    resource_type: Text
    resource_location: Text
    compliance_state: Text

    @classmethod
    def of(cls, document: dict[str, Any]) -> Evaluation:
        """Return the evaluation in a state; fields that are not text are taken as `_texts` says."""
        return cls._make(_texts(document, RESOURCE_FIELDS))


def tidied(state: tuple[Text, ...]) -> tuple[Text, ...]:
    """Return an evaluation whose texts have no blanks around them, and whose id and state are spelled as documented.

    The id is as `plain_id` spells it, unless it is none. "non-compliant" is NonCompliant; a compliance state that is
    not known is only stripped.
    """
    timestamp, resource_id, *others, compliance_state = (text and text.strip() for text in state)
    letters = "".join(one for one in compliance_state or "" if unicodedata.category(one) not in _JOINTS)
    if resource_id and "/" in resource_id:
        resource_id = plain_id(resource_id)
    said = _WORDS.get(letters.lower()) or compliance_state or None
    return (timestamp, resource_id, *others, said)


def _texts(document: dict[str, Any], names: tuple[str, ...]) -> tuple[Text, ...]:
    """Return fields as text, whatever the letter case of their names: of other types their JSON, stripped.

    Null stands behind the same field in another spelling that has a value. Lone surrogates become U+FFFD.
    """
    values = [document.get(name) for name in names]
    if None in values and not document.keys() <= _AS_DOCUMENTED:
        filled = {name.lower(): value for name, value in document.items() if value is not None}
        values = [
            filled.get(name.lower()) if value is None else value for name, value in zip(names, values, strict=True)
        ]
    return tuple([None if value is None else _text(value).strip() for value in values])


def _text(value: Any) -> str:
    return well_formed(value if isinstance(value, str) else text_of(value))


def well_formed(text: str) -> str:
    """Return a text that can be encoded as UTF-8: lone surrogates, which JSON allows, become U+FFFD."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def is_compliant(compliance_state: str | None) -> bool | None:
    """Return True for Compliant and Exempt, False for NonCompliant, and None for every other or missing state."""
    return None if compliance_state is None else _VERDICTS.get(compliance_state)
