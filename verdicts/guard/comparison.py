"""Compares a policy assignment with its baseline, and tells whether one judges anything at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from publisher.resource_ids import assignment_scope, fold, is_at_or_inside
from registry.policies.digests import digest_of
from registry.policies.postures import GROUP
from verdicts.facts import GuardState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from registry.managed_application import ExpectedAssignment, Posture
    from verdicts.facts import StateKey

_LONGEST_SHOWN: Final = 60


def compare(baseline: ExpectedAssignment, seen: ExpectedAssignment) -> tuple[GuardState, tuple[str, ...]]:
    """Return how an assignment compares with its baseline, and each difference in words.

    WEAKENED when it judges less, CHANGED when it judges something else, UNREAD when one of them is known by its name
    only. Texts for people, metadata, letter case and the order of members make no difference, and neither does what
    makes the assignment judge more: fewer notScopes, an effect that is no longer Disabled, enforcement.
    """
    if baseline.posture is None or seen.posture is None:
        return GuardState.UNREAD, ()
    changed = tuple(_changed(baseline, seen, baseline.posture, seen.posture))
    weakened = tuple(
        _weakened(baseline.posture, seen.posture, fold(assignment_scope(seen.id)), is_changed=bool(changed))
    )
    if weakened:
        return GuardState.WEAKENED, weakened + changed
    return (GuardState.CHANGED, changed) if changed else (GuardState.INTACT, ())


def stands_as(accepted: ExpectedAssignment | None, seen: ExpectedAssignment | None) -> bool:
    """Tell whether an assignment is still as it was accepted: an accepted difference counts as the baseline."""
    return accepted is not None and seen is not None and compare(accepted, seen)[0] is GuardState.INTACT


def judges_nothing(assignment: ExpectedAssignment, group_id: str) -> bool:
    """Tell whether an assignment judges no resource of the group: excluded, selected away, or disabled."""
    posture = assignment.posture
    if posture is None:
        return False
    scope = assignment_scope(assignment.id) or group_id
    excluded = (one.replace(GROUP, fold(group_id)) for one in posture.not_scopes)
    if scope and any(is_at_or_inside(scope, one) for one in excluded):
        return True
    if posture.disabled is not None and len(posture.disabled) >= posture.references:
        return True
    return _selects_nothing(posture.selectors)


def leaves_out(assignment: ExpectedAssignment, key: StateKey, group_id: str) -> bool:
    """Tell whether an assignment does not judge a key: its resource is excluded, or its definition disabled."""
    if judges_nothing(assignment, group_id):
        return True
    posture = assignment.posture
    if posture is None:
        return False
    excluded = (one.replace(GROUP, fold(group_id)) for one in posture.not_scopes)
    disabled = posture.disabled or ()
    return key.reference_id in disabled or any(is_at_or_inside(key.resource_id, one) for one in excluded)


def may_judge_nothing(assignment: ExpectedAssignment) -> bool:
    """Tell whether an assignment selects resources by location or type: there may be none of them in the group."""
    return assignment.posture is not None and bool(assignment.posture.selectors)


def _weakened(baseline: Posture, seen: Posture, scope: str, *, is_changed: bool) -> Iterator[str]:
    if not baseline.digest:
        if excluded := _newly_excluded(baseline.not_scopes, seen.not_scopes, scope):
            yield f"notScopes has {', '.join(_short(one) for one in excluded)} more"
        if seen.selectors and seen.selectors != baseline.selectors:
            yield f"resourceSelectors differ: {seen.selectors[:_LONGEST_SHOWN]}"
        if seen.overrides and seen.overrides != baseline.overrides:
            yield f"overrides differ: {seen.overrides[:_LONGEST_SHOWN]}"
            is_changed = True
    disabled = sorted(set(seen.disabled or ()) - set(baseline.disabled or ()))
    # Where the baseline's definition could not be read, it may have been disabled all the time.
    if disabled and (baseline.disabled is not None or is_changed):
        yield f"effect is Disabled{_of(disabled)}"
    if baseline.enforced and not seen.enforced:
        yield "enforcementMode is no longer Default"


def _newly_excluded(baseline: Iterable[str], seen: Iterable[str], scope: str) -> list[str]:
    """Return the notScopes that leave out more of the assignment's scope than the baseline's do."""
    known = list(baseline)
    return sorted(
        one
        for one in seen
        if not any(is_at_or_inside(one, known_one) for known_one in known)
        and (one.startswith(GROUP) or not scope or is_at_or_inside(one, scope) or is_at_or_inside(scope, one))
    )


def _changed(baseline: ExpectedAssignment, seen: ExpectedAssignment, before: Posture, after: Posture) -> Iterator[str]:
    if fold(baseline.definition_id) != fold(seen.definition_id):
        yield f"it assigns {_short(seen.definition_id)} instead of {_short(baseline.definition_id)}"
    if before.definition_version != after.definition_version:
        now, was = after.definition_version or "any", before.definition_version or "any"
        yield f"definitionVersion is {now}, was {was}"
    if before.digest or after.digest:
        if digest_of(before) != digest_of(after):
            yield "parameters, notScopes, resourceSelectors or overrides differ"
        return
    yield from _parameters(before, after)
    if before.selectors and not after.selectors:
        yield "resourceSelectors are gone"
    if before.overrides and not after.overrides:
        yield "overrides are gone"


def _parameters(before: Posture, after: Posture) -> Iterator[str]:
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
    return isinstance(found, list) and bool(found) and all(_is_empty(selector) for selector in found)


def _is_empty(selector: Any) -> bool:
    """Tell whether a selector can select nothing: all of its conditions have to hold."""
    conditions = selector.get("selectors") if isinstance(selector, dict) else None
    return isinstance(conditions, list) and any(
        isinstance(one, dict) and "in" in one and not set(one["in"] or ()) - set(one.get("notIn") or ())
        for one in conditions
    )


def _of(references: list[str]) -> str:
    named = [one for one in references if one]
    return f" for {', '.join(named)}" if named else ""


def _value(value: str | None) -> str:
    if value is None:
        return "left out"
    if value.startswith("sha256:"):
        return "a long value"
    return value.strip('"')[:_LONGEST_SHOWN] or "empty"


def _short(resource_id: str) -> str:
    name = resource_id.rpartition("/")[2] or resource_id
    return "the managed resource group" if name == GROUP else name
