"""Compares a policy assignment with its baseline, and tells whether one judges anything at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from publisher.resource_ids import fold, is_at_or_inside
from verdicts.facts import GuardState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from registry.managed_application import ExpectedAssignment, Posture


def compare(baseline: ExpectedAssignment, seen: ExpectedAssignment) -> tuple[GuardState, tuple[str, ...]]:
    """Return how an assignment compares with its baseline, and each difference in words.

    WEAKENED when it judges less, CHANGED when it judges something else, UNREAD when one of them is known by its name
    only. Texts for people, metadata and the order of members make no difference.
    """
    if baseline.posture is None or seen.posture is None:
        return GuardState.UNREAD, ()
    weakened = tuple(_weakened(baseline.posture, seen.posture))
    changed = tuple(_changed(baseline, seen))
    if weakened:
        return GuardState.WEAKENED, weakened + changed
    return (GuardState.CHANGED, changed) if changed else (GuardState.INTACT, ())


def judges_nothing(assignment: ExpectedAssignment, group_id: str) -> bool:
    """Tell whether an assignment judges no resource of the group: excluded, selected away, or disabled."""
    posture = assignment.posture
    if posture is None:
        return False
    if group_id and any(is_at_or_inside(group_id, scope) for scope in posture.not_scopes):
        return True
    if posture.disabled is not None and len(posture.disabled) >= posture.references:
        return True
    return _selects_nothing(posture.selectors)


def _weakened(baseline: Posture, seen: Posture) -> Iterator[str]:
    if excluded := sorted(set(seen.not_scopes) - set(baseline.not_scopes)):
        yield f"notScopes has {', '.join(_short(one) for one in excluded)} more"
    if disabled := sorted(set(seen.disabled or ()) - set(baseline.disabled or ())):
        yield f"effect is Disabled{_of(disabled)}"
    if seen.selectors != baseline.selectors:
        yield "resourceSelectors differ"
    if seen.overrides != baseline.overrides:
        yield "overrides differ"
    if baseline.enforced and not seen.enforced:
        yield "enforcementMode is DoNotEnforce"


def _changed(baseline: ExpectedAssignment, seen: ExpectedAssignment) -> Iterator[str]:
    if fold(baseline.definition_id) != fold(seen.definition_id):
        yield f"it assigns {_short(seen.definition_id)} instead of {_short(baseline.definition_id)}"
    before, after = baseline.posture, seen.posture
    if before is None or after is None:
        return
    if before.definition_version != after.definition_version:
        now, was = after.definition_version or "any", before.definition_version or "any"
        yield f"definitionVersion is {now}, was {was}"
    known, now_known = dict(before.parameters), dict(after.parameters)
    for name in sorted(known.keys() | now_known.keys()):
        if known.get(name) == now_known.get(name):
            continue
        # A parameter that is left out has the definition's default.
        if (name not in known and name in after.at_default) or (name not in now_known and name in before.at_default):
            continue
        yield f"parameter {name} is {_value(now_known.get(name))}, was {_value(known.get(name))}"


def _selects_nothing(selectors: str) -> bool:
    """Tell whether resource selectors leave out every resource: each of them has a list `in` that is empty."""
    try:
        found: Any = orjson.loads(selectors) if selectors else []
    except orjson.JSONDecodeError:
        return False
    if not isinstance(found, list) or not found:
        return False
    return all(_is_empty(selector) for selector in found)


def _is_empty(selector: Any) -> bool:
    parts = selector.get("selectors") if isinstance(selector, dict) else None
    return isinstance(parts, list) and any(isinstance(one, dict) and one.get("in") == [] for one in parts)


def _of(references: list[str]) -> str:
    named = [one for one in references if one]
    return f" for {', '.join(named)}" if named else ""


def _value(value: str | None) -> str:
    return "left out" if value is None else value.strip('"')[:60] or "empty"


def _short(resource_id: str) -> str:
    return resource_id.rpartition("/")[2] or resource_id
