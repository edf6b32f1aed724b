"""The fields of a policy state that rows need: which policy was evaluated, and with which result for which resource.

The states of an application name a few policies many times and most resources once. So what depends on the policy alone
is worked out once for each application, and only the rest for each state.
"""

from __future__ import annotations

import json
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from publisher.policy_states import POLICY_FIELDS, RESOURCE_FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable

Text = str | None

raw_policy: Final[Callable[[dict[str, Any]], tuple[Any, ...]]] = itemgetter(*POLICY_FIELDS)
"""The POLICY_FIELDS of a state as it came; KeyError when one is missing."""

raw_resource: Final[Callable[[dict[str, Any]], tuple[Any, ...]]] = itemgetter(*RESOURCE_FIELDS)
"""The RESOURCE_FIELDS of a state as it came; KeyError when one is missing."""

_VERDICTS: Final = {"compliant": True, "exempt": True, "noncompliant": False}


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
        """Return the policy of a state; fields that are not text are taken as `_texts` says."""
        return cls._make(_texts(document, POLICY_FIELDS))


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


def _texts(document: dict[str, Any], names: tuple[str, ...]) -> tuple[Text, ...]:
    """Return fields as text: of other types their JSON, with U+FFFD for lone surrogates."""
    return tuple(
        value if value is None or (type(value) is str and value.isascii()) else _text(value)
        for value in map(document.get, names)
    )


def _text(value: Any) -> str:
    return well_formed(value if isinstance(value, str) else json.dumps(value))


def well_formed(text: str) -> str:
    """Return a text that can be encoded as UTF-8: lone surrogates, which JSON allows, become U+FFFD."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def is_compliant(compliance_state: str | None) -> bool | None:
    """Return True for Compliant and Exempt, False for NonCompliant, and None for every other or missing state."""
    return None if compliance_state is None else _VERDICTS.get(compliance_state.lower())
