"""Which difference from its baseline an assignment has, in words for a person; and which assignments judge nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from registry.managed_application import ExpectedAssignment, Posture
from registry.policies.digests import digested
from registry.policies.postures import overrides_of, selectors_of
from verdicts.facts import GuardState
from verdicts.guard.comparison import compare, judges_nothing, may_judge_nothing, stands_as

GROUP = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/mrg-watcher"
ASSIGNED = "/providers/Microsoft.Authorization/policyAssignments"
DEFINITION = "/providers/Microsoft.Authorization/policyDefinitions/one"
SITE = "{group}/providers/microsoft.web/sites/legacy"
BASELINE = Posture(
    definition_version="1.*.*",
    parameters=(("effect", '"Audit"'), ("retention", "90")),
    not_scopes=(SITE,),
    disabled=(),
    at_default=("retention",),
)
EUROPE = selectors_of([{"name": "a", "selectors": [{"kind": "resourceLocation", "in": ["westeurope"]}]}])
DENY = overrides_of([{"kind": "policyEffect", "value": "Deny"}])


def assignment(posture: Posture | None = BASELINE, *, scope: str = GROUP, **fields: str) -> ExpectedAssignment:
    known = ExpectedAssignment(f"{scope}{ASSIGNED}/tls", "TLS", DEFINITION, "One", posture)
    return replace(known, **fields)


def changed(**fields: Any) -> tuple[GuardState, tuple[str, ...]]:
    return compare(assignment(), assignment(replace(BASELINE, **fields)))


def test_the_same_is_intact_whatever_people_call_it() -> None:
    seen = assignment(display_name="Renamed", definition_display_name="", definition_id=DEFINITION.upper())
    assert compare(assignment(), replace(seen, id=seen.id.upper())) == (GuardState.INTACT, ())


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"not_scopes": (SITE, "{group}/providers/microsoft.web/sites/shop")}, "notScopes has shop more"),
        ({"not_scopes": ("{group}",)}, "notScopes has the managed resource group more"),
        ({"not_scopes": (SITE, GROUP.lower().rpartition("/resourcegroups")[0])}, "more"),
        ({"selectors": EUROPE}, "resourceSelectors differ"),
        ({"overrides": DENY}, "overrides differ"),
        ({"disabled": ("",)}, "effect is Disabled"),
        ({"disabled": ("two", "three")}, "effect is Disabled for three, two"),
        ({"enforced": False}, "enforcementMode is no longer Default"),
    ],
)
def test_what_judges_less_is_weakened(fields: dict[str, Any], says: str) -> None:
    state, details = changed(**fields)
    assert state is GuardState.WEAKENED
    assert says in "; ".join(details)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"parameters": (("effect", '"Deny"'), ("retention", "90"))}, "parameter effect is Deny, was Audit"),
        ({"parameters": (("retention", "90"),)}, "parameter effect is left out, was Audit"),
        ({"parameters": (*BASELINE.parameters, ("new", "1"))}, "parameter new is 1, was left out"),
        ({"parameters": (("effect", f"sha256:{'0' * 64}"),)}, "parameter effect is a long value, was Audit"),
        ({"definition_version": "2.*.*"}, "definitionVersion is 2.*.*, was 1.*.*"),
        ({"definition_version": ""}, "definitionVersion is any, was 1.*.*"),
    ],
)
def test_what_judges_something_else_is_changed(fields: dict[str, Any], says: str) -> None:
    state, details = changed(**fields)
    assert state is GuardState.CHANGED
    assert says in details


def test_another_definition_is_a_change() -> None:
    other = assignment(definition_id=DEFINITION.replace("one", "two"))
    assert compare(assignment(), other) == (GuardState.CHANGED, ("it assigns two instead of one",))


def test_a_weakening_and_a_change_are_both_told() -> None:
    state, details = changed(parameters=(("effect", '"Disabled"'), ("retention", "90")), disabled=("",))
    assert state is GuardState.WEAKENED
    assert details == ("effect is Disabled", "parameter effect is Disabled, was Audit")


@pytest.mark.parametrize(
    "fields",
    [
        {"not_scopes": ()},
        {"not_scopes": (SITE, f"{SITE}/slots/staging")},
        {"not_scopes": (SITE, "/subscriptions/00000000-0000-4000-8000-000000000001/resourcegroups/elsewhere")},
        {"parameters": (("effect", '"Audit"'),)},
        {"references": 7},
        {"disabled": None},
    ],
)
def test_what_leaves_out_nothing_more_is_intact(fields: dict[str, Any]) -> None:
    assert changed(**fields) == (GuardState.INTACT, ())


def test_a_default_that_is_written_out_is_no_change() -> None:
    plain = assignment(replace(BASELINE, parameters=(("effect", '"Audit"'),), at_default=()))
    assert compare(plain, assignment())[0] is GuardState.INTACT


def test_what_is_no_longer_weakened_is_intact_or_at_most_changed() -> None:
    weak = replace(BASELINE, enforced=False, disabled=("",), selectors=EUROPE, overrides=DENY)
    state, details = compare(assignment(weak), assignment())
    assert state is GuardState.CHANGED
    assert details == ("resourceSelectors are gone", "overrides are gone")


def test_a_definition_that_can_be_read_now_is_no_weakening_by_itself() -> None:
    unread = assignment(replace(BASELINE, disabled=None))
    assert compare(unread, assignment(replace(BASELINE, disabled=("",))))[0] is GuardState.INTACT
    by_override = replace(BASELINE, disabled=("",), overrides=DENY.replace("deny", "disabled"))
    state, details = compare(unread, assignment(by_override))
    assert state is GuardState.WEAKENED
    assert "effect is Disabled" in details


@pytest.mark.parametrize(("baseline", "seen"), [(None, BASELINE), (BASELINE, None), (None, None)])
def test_without_a_posture_nothing_can_be_compared(baseline: Posture | None, seen: Posture | None) -> None:
    assert compare(assignment(baseline), assignment(seen)) == (GuardState.UNREAD, ())


def test_a_digest_is_compared_with_the_whole_in_either_direction() -> None:
    small = assignment(digested(BASELINE))
    assert compare(small, assignment())[0] is GuardState.INTACT
    assert compare(assignment(), small)[0] is GuardState.INTACT
    assert compare(small, small)[0] is GuardState.INTACT
    excluded = assignment(replace(BASELINE, not_scopes=("{group}",)))
    for pair in ((small, excluded), (excluded, small)):
        state, details = compare(*pair)
        assert state is GuardState.CHANGED
        assert details == ("parameters, notScopes, resourceSelectors or overrides differ",)
    assert compare(small, assignment(replace(BASELINE, enforced=False)))[0] is GuardState.WEAKENED


def test_an_accepted_difference_stands_until_a_further_one() -> None:
    accepted = assignment(replace(BASELINE, enforced=False))
    assert stands_as(accepted, replace(accepted, display_name="Renamed"))
    assert stands_as(accepted, assignment()), "back as it was"
    assert not stands_as(accepted, assignment(replace(BASELINE, enforced=False, disabled=("",))))
    assert not stands_as(None, accepted)
    assert not stands_as(accepted, None)


@pytest.mark.parametrize(
    "posture",
    [
        Posture(not_scopes=("{group}",)),
        Posture(not_scopes=(GROUP.lower(),)),
        Posture(not_scopes=("/subscriptions/00000000-0000-4000-8000-000000000001",)),
        Posture(disabled=("",)),
        Posture(disabled=("one", "two"), references=2),
        Posture(selectors=selectors_of([{"selectors": [{"kind": "resourceLocation", "in": []}]}])),
    ],
)
def test_what_excludes_its_group_or_is_disabled_judges_nothing(posture: Posture) -> None:
    assert judges_nothing(assignment(posture), GROUP)


@pytest.mark.parametrize(
    "posture",
    [
        None,
        Posture(),
        Posture(not_scopes=(SITE, f"{GROUP.lower()}-2")),
        Posture(disabled=("one",), references=2),
        Posture(disabled=None),
        Posture(selectors=EUROPE),
        Posture(selectors="not JSON"),
        Posture(selectors=selectors_of([{"selectors": []}])),
        Posture(selectors=selectors_of([{"selectors": [{"kind": "resourceType", "notIn": []}]}])),
    ],
)
def test_what_may_judge_something_is_not_called_idle(posture: Posture | None) -> None:
    assert not judges_nothing(assignment(posture), GROUP)


def test_an_assignment_at_a_resource_judges_nothing_when_that_is_excluded() -> None:
    site = f"{GROUP}/providers/Microsoft.Web/sites/legacy"
    assert judges_nothing(assignment(Posture(not_scopes=(SITE,)), scope=site), GROUP)


def test_selected_resources_may_not_be_there() -> None:
    assert may_judge_nothing(assignment(Posture(selectors=EUROPE)))
    assert not may_judge_nothing(assignment())
    assert not may_judge_nothing(assignment(None))
