"""The baseline is learned, and never moves by itself; what differs from it is told until it is undone or accepted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from publisher.resource_ids import ApplicationId, ResourceGroupId
from registry.managed_application import Exemption, ExpectedAssignment, ManagedApplication, Posture
from verdicts.derive import guard_accepted, is_expected
from verdicts.evidence import GuardReading
from verdicts.facts import Acceptance, ApplicationFacts, AssignmentFacts, Ending, GuardState
from verdicts.guard.declared import Declared, plan_key, relative_id
from verdicts.guard.watch import watch

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SUBSCRIPTION = "00000000-0000-4000-8000-000000000001"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/MRG"
KEY = f"{GROUP}/providers/Microsoft.Authorization/policyAssignments/tls".lower()
TLS = ExpectedAssignment(
    f"{GROUP}/providers/Microsoft.Authorization/policyAssignments/TLS",
    "TLS only",
    "/Definition",
    "",
    Posture(disabled=()),
)
OTHER = replace(TLS, id=TLS.id.replace("TLS", "other"), display_name="Other")
WEAK = replace(TLS, posture=Posture(enforced=False, disabled=(), changed_at=NOW))
WEAKER = replace(TLS, posture=Posture(enforced=False, disabled=("",)))
IDLE = replace(TLS, posture=Posture(not_scopes=("{group}",), disabled=()))
EXEMPTION = Exemption(f"{GROUP}/providers/microsoft.authorization/policyexemptions/waiver".lower(), KEY)
APPLICATION = ManagedApplication(
    ApplicationId(SUBSCRIPTION, "rg", "app"),
    ResourceGroupId.parse(GROUP),
    "Contoso",
    plan_publisher="Fabrikam",
    plan_product="analytics",
    plan_name="standard",
    plan_version="1.0.0",
    provisioning_state="Succeeded",
)
FACTS = ApplicationFacts(
    str(APPLICATION.application_id), SUBSCRIPTION, GROUP, None, "app", "Contoso", "standard", "1.0.0", "run", NOW, NOW
)


def registered(*assignments: ExpectedAssignment, at: datetime = NOW, **fields: object) -> ManagedApplication:
    return replace(APPLICATION, assignments=assignments, assignments_read_at=at, **fields)  # type: ignore[arg-type]


def read(
    *assignments: ExpectedAssignment,
    at: datetime = NOW,
    missing: Iterable[tuple[str, bool]] = (),
    exemptions: tuple[Exemption, ...] | None = None,
) -> GuardReading:
    return GuardReading(at, {one.id.lower(): one for one in assignments}, dict(missing), exemptions)


def learned(*assignments: ExpectedAssignment) -> ApplicationFacts:
    return watch(FACTS, registered(*(assignments or (TLS,))), None, None, NOW)


def after(facts: ApplicationFacts, reading: GuardReading | None, hours: int = 1) -> ApplicationFacts:
    return watch(facts, APPLICATION, reading, None, NOW + hours * HOUR)


def guarded(facts: ApplicationFacts, key: str = KEY) -> tuple[GuardState, tuple[str, ...], datetime | None]:
    guard = facts.assignments[key].guard
    return guard.state, guard.details, guard.since


def test_the_first_view_is_the_baseline_and_expects_states() -> None:
    facts = learned()
    found = facts.assignments[KEY]
    assert (found.name, found.display_name, found.definition_id) == ("TLS", "TLS only", "/definition")
    assert (found.guard.baseline, found.guard.declared, found.guard.state) == (TLS, False, GuardState.INTACT)
    assert (found.first_seen, found.undecided_since) == (NOW, NOW)
    assert facts.guard_read_at is None, "the registry's view is no reading of this run"


def test_without_news_the_facts_are_equal() -> None:
    facts = learned()
    assert watch(facts, registered(TLS), None, None, NOW + HOUR) == facts
    assert watch(facts, APPLICATION, None, None, NOW + HOUR) == facts
    again = after(facts, read(replace(TLS, definition_display_name="")))
    assert after(again, read(replace(TLS, definition_display_name="Definition"))) == again


@pytest.mark.parametrize("state", ["Accepted", "running", "Updating", "Failed", "Canceled"])
def test_nothing_is_learned_while_the_provisioning_is_under_way_or_failed(state: str) -> None:
    facts = watch(FACTS, registered(WEAK, provisioning_state=state), None, None, NOW)
    assert facts.assignments[KEY].guard.baseline is None
    assert guarded(facts)[0] is GuardState.NOT_KNOWN
    facts = watch(facts, registered(TLS, at=NOW + HOUR), None, None, NOW + HOUR)
    assert facts.assignments[KEY].guard.baseline == TLS


def test_a_row_of_an_older_version_teaches_no_baseline() -> None:
    facts = learned(replace(TLS, posture=None))
    assert facts.assignments[KEY].guard.baseline is None
    assert after(facts, read(TLS)).assignments[KEY].guard.baseline == TLS


def test_additions_join_and_what_is_weaker_never_does() -> None:
    facts = after(learned(), read(WEAK, OTHER))
    assert facts.assignments[OTHER.id.lower()].guard.baseline == OTHER
    assert facts.assignments[KEY].guard.baseline == TLS
    assert guarded(facts) == (GuardState.WEAKENED, ("enforcementMode is no longer Default",), NOW + HOUR)
    assert facts.assignments[KEY].guard.changed_at == NOW
    assert guarded(after(facts, read(WEAK), 2))[2] == NOW + HOUR, "it is told since when"


def test_what_is_undone_is_intact_again() -> None:
    facts = after(after(learned(), read(WEAK)), read(TLS), 2)
    assert guarded(facts) == (GuardState.INTACT, (), NOW + 2 * HOUR)


def test_only_what_a_reading_proves_is_withdrawn() -> None:
    facts = after(learned(), read(OTHER, missing=[(KEY, True)]))
    assert guarded(facts) == (GuardState.WITHDRAWN, ("the assignment was deleted",), NOW + HOUR)
    facts = after(learned(), read(OTHER, missing=[(KEY, False)]))
    assert guarded(facts)[0] is GuardState.UNREAD
    assert watch(learned(), registered(at=NOW + HOUR), None, None, NOW + HOUR) == learned(), "the registry lacks it"


def test_an_assignment_that_is_there_again_is_compared_again() -> None:
    withdrawn = after(learned(), read(OTHER, missing=[(KEY, True)]))
    assert guarded(after(withdrawn, read(TLS), 2))[0] is GuardState.INTACT
    assert guarded(after(withdrawn, read(WEAK), 2))[0] is GuardState.WEAKENED
    by_the_registry = watch(withdrawn, registered(TLS, at=NOW + 2 * HOUR), None, None, NOW + 2 * HOUR)
    assert guarded(by_the_registry)[0] is GuardState.INTACT


def test_the_registrys_older_view_says_nothing_against_a_reading() -> None:
    withdrawn = after(learned(), read(OTHER, missing=[(KEY, True)], at=NOW + HOUR))
    assert watch(withdrawn, registered(TLS, at=NOW), None, None, NOW + 2 * HOUR) == withdrawn


@pytest.mark.parametrize("found", [WEAK, None])
def test_what_was_found_stays_while_nothing_can_be_read(found: ExpectedAssignment | None) -> None:
    reading = read(found) if found else read(OTHER, missing=[(KEY, True)])
    facts = after(learned(), reading)
    nothing = GuardReading(NOW + 2 * HOUR, None, {KEY: False})
    assert guarded(after(facts, nothing, 2)) == guarded(facts)


def test_a_guard_that_cannot_be_read_is_unread_since_then() -> None:
    nothing = GuardReading(NOW, None, {KEY: False})
    facts = after(after(learned(), nothing), nothing, 5)
    assert guarded(facts)[0] is GuardState.UNREAD
    assert facts.guard_unread_since == NOW + HOUR
    facts = after(facts, read(TLS), 6)
    assert guarded(facts)[0] is GuardState.INTACT
    assert facts.guard_unread_since is None


@pytest.mark.parametrize("seen", [WEAK, None])
def test_what_judges_nothing_by_its_baseline_expects_nothing_and_alerts_nobody(seen: ExpectedAssignment | None) -> None:
    facts = learned(IDLE)
    assert not is_expected(facts.assignments[KEY], GROUP)
    facts = after(facts, read(seen) if seen else read(OTHER, missing=[(KEY, True)]))
    assert guarded(facts)[:2] == (GuardState.INTACT, ())


def test_what_came_to_judge_nothing_is_weakened_and_still_expected() -> None:
    facts = after(learned(), read(IDLE))
    assert guarded(facts)[:2] == (GuardState.WEAKENED, ("notScopes has the managed resource group more",))
    assert is_expected(facts.assignments[KEY], GROUP)


def test_an_assignment_that_selects_resources_is_expected_once_it_had_states() -> None:
    facts = learned(replace(TLS, posture=Posture(selectors='[{"selectors":[{"in":["x"],"kind":"resourcelocation"}]}]')))
    found = facts.assignments[KEY]
    assert not is_expected(found, GROUP)
    assert is_expected(replace(found, decided=True), GROUP)


class TestAcceptance:
    def accepted(self, facts: ApplicationFacts, *, withdrawal: bool = False) -> ApplicationFacts:
        found = facts.assignments[KEY]
        guard = replace(
            found.guard,
            acceptance=Acceptance("Ada", "migration", NOW, NOW + 24 * HOUR),
            accepted=None if withdrawal else found.guard.seen,
            accepted_withdrawal=withdrawal,
        )
        return replace(facts, assignments={KEY: replace(found, guard=guard)})

    def stands(self, facts: ApplicationFacts, hours: int = 2) -> bool:
        return guard_accepted(facts.assignments[KEY], NOW + hours * HOUR) is not None

    def test_it_lasts_while_the_difference_is_the_accepted_one(self) -> None:
        facts = self.accepted(after(learned(), read(WEAK)))
        assert self.stands(after(facts, read(replace(WEAK, display_name="Renamed")), 2))
        assert not self.stands(facts, 24)

    def test_a_further_change_is_a_new_difference(self) -> None:
        facts = after(self.accepted(after(learned(), read(WEAK))), read(WEAKER), 2)
        assert not self.stands(facts)
        assert guarded(facts)[0] is GuardState.WEAKENED

    def test_an_accepted_withdrawal_accepts_no_weakening(self) -> None:
        facts = self.accepted(after(learned(), read(OTHER, missing=[(KEY, True)])), withdrawal=True)
        assert self.stands(facts)
        assert not self.stands(after(facts, read(WEAK), 2))


class TestDeclared:
    def declared(self, *assignments: ExpectedAssignment, **more: ExpectedAssignment) -> Declared:
        by_id = {relative_id(one.id, GROUP): one for one in assignments} | more
        return Declared(plan_key(APPLICATION), by_id, NOW, "Ada", "version 1.0.0")

    def test_a_declared_baseline_counts_before_the_first_view(self) -> None:
        facts = watch(FACTS, registered(WEAK), None, self.declared(TLS), NOW)
        assert facts.assignments[KEY].guard.declared
        assert guarded(facts)[0] is GuardState.WEAKENED

    def test_it_moves_a_learned_one(self) -> None:
        facts = after(learned(), read(WEAK))
        facts = watch(facts, APPLICATION, read(WEAK), self.declared(WEAK), NOW + 2 * HOUR)
        assert guarded(facts)[0] is GuardState.INTACT

    def test_what_was_never_there_is_expected_and_withdrawn_once_that_is_sure(self) -> None:
        facts = watch(FACTS, registered(OTHER), None, self.declared(TLS), NOW)
        found = facts.assignments[KEY]
        assert is_expected(found, GROUP)
        assert found.undecided_since == NOW
        assert guarded(facts)[0] is GuardState.NOT_KNOWN
        assert guarded(after(facts, read(OTHER, missing=[(KEY, True)])))[0] is GuardState.WITHDRAWN

    def test_assignments_at_resources_are_declared_by_their_path(self) -> None:
        path = "providers/microsoft.web/sites/one/providers/microsoft.authorization/policyassignments/tls"
        inside = replace(TLS, id=f"{GROUP}/{path}")
        assert relative_id(inside.id, GROUP) == path
        facts = watch(FACTS, APPLICATION, None, Declared("", {path: TLS}, NOW, "", ""), NOW)
        assert list(facts.assignments) == [inside.id.lower()]

    def test_what_is_known_by_its_name_only_is_never_intact_by_a_baseline_that_is_no_more(self) -> None:
        bare = replace(TLS, posture=None)
        facts = after(learned(IDLE), read(bare))
        assert guarded(facts)[0] is GuardState.INTACT, "its baseline judges nothing"
        facts = watch(facts, APPLICATION, read(bare), self.declared(bare), NOW + 2 * HOUR)
        assert guarded(facts)[0] is GuardState.UNREAD

    def test_the_next_version_keeps_a_declared_baseline_until_one_is_declared_for_it(self) -> None:
        facts = watch(FACTS, registered(TLS), None, self.declared(TLS), NOW)
        assert guarded(after(facts, read(WEAK)))[0] is GuardState.WEAKENED


class TestExemptions:
    def test_those_of_the_first_view_are_no_news(self) -> None:
        facts = watch(FACTS, registered(TLS, exemptions=(EXEMPTION,)), None, None, NOW)
        assert facts.exemptions == (EXEMPTION,)
        assert facts.known_exemptions == (EXEMPTION.id,)

    def test_later_ones_are_news(self) -> None:
        facts = after(learned(), read(TLS, exemptions=(EXEMPTION,)))
        assert facts.exemptions == (EXEMPTION,)
        assert facts.known_exemptions == ()
        assert after(facts, read(TLS, exemptions=()), 2).exemptions == ()

    def test_what_cannot_be_read_stays(self) -> None:
        facts = after(learned(), read(TLS, exemptions=(EXEMPTION,)))
        assert after(facts, read(TLS, exemptions=None), 2).exemptions == (EXEMPTION,)
        blind = GuardReading(NOW, None, {KEY: False}, ())
        assert after(facts, blind, 2).exemptions == (EXEMPTION,), "who sees no assignment may see no exemption"

    def test_an_older_view_of_them_ends_none_that_was_read_later(self) -> None:
        facts = after(learned(), read(TLS, exemptions=(EXEMPTION,)))
        newer = NOW + 3 * HOUR
        older = registered(TLS, at=newer, exemptions=(), exemptions_read_at=NOW)
        assert watch(facts, older, None, None, newer).exemptions == (EXEMPTION,)
        read_again = registered(TLS, at=newer, exemptions=(), exemptions_read_at=newer)
        assert watch(facts, read_again, None, None, newer).exemptions == ()

    def test_a_reading_without_them_leaves_what_the_registry_learned_meanwhile(self) -> None:
        newer = NOW + 3 * HOUR
        seen = registered(TLS, at=newer, exemptions=(EXEMPTION,), exemptions_read_at=newer)
        assert watch(learned(), seen, read(TLS, exemptions=None), None, newer).exemptions == (EXEMPTION,)


def test_an_assignment_that_ended_and_is_there_again_begins_anew() -> None:
    facts = learned()
    ended = replace(facts.assignments[KEY], ending=Ending.RETIRED, ended_at=NOW, decided=True)
    facts = replace(facts, assignments={KEY: ended})
    assert after(facts, read(OTHER, missing=[(KEY, True)])).assignments[KEY] == ended
    again = after(facts, read(WEAK), 2).assignments[KEY]
    assert isinstance(again, AssignmentFacts)
    assert (again.ending, again.decided, again.first_seen) == (None, False, NOW + 2 * HOUR)
    assert again.guard.baseline == WEAK


def test_a_service_catalog_application_has_its_definition_as_plan() -> None:
    assert plan_key(APPLICATION) == "fabrikam/analytics/standard/1.0.0"
    assert plan_key(replace(APPLICATION, plan_name="", definition_id="/Definitions/One")) == "/definitions/one"


def test_an_assignment_outside_the_group_has_no_relative_id() -> None:
    neighbour = KEY.replace("/mrg/", "/mrg-2/")
    assert relative_id(neighbour, GROUP) == neighbour
    assert relative_id(KEY, GROUP) == "tls"
