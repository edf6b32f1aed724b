"""What the judge is told of an application's states: every violation, the keys that are open, and counts of the rest."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from collector.reading import findings as module
from collector.reading.findings import Findings, PolicyFindings
from publisher.resource_ids import fold
from verdicts.evidence import AssignmentEvidence, Evidence
from verdicts.facts import ApplicationFacts, AssignmentFacts, OpenKey, StateKey
from verdicts.outcome import Outcome

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ASSIGNMENT = "/subscriptions/s/resourcegroups/mrg/providers/microsoft.authorization/policyassignments/tls"
OTHER = f"{ASSIGNMENT}-other"
POLICY = (ASSIGNMENT, "reference", "definition")


def before(*resources: str) -> ApplicationFacts:
    """What the ledger remembers: violations of these resources."""
    keys = tuple(OpenKey(StateKey("reference", "definition", one), NOW) for one in resources)
    return ApplicationFacts(
        application_id="/a",
        customer_subscription_id="s",
        managed_resource_group_id="/g",
        registered_at=None,
        application_name="a",
        customer_name="c",
        plan_name="p",
        plan_version="1",
        applied_run="r",
        applied_at=NOW,
        changed_at=NOW,
        assignments={ASSIGNMENT: AssignmentFacts(ASSIGNMENT, "tls", NOW, NOW, open=keys)},
    )


class Reading:
    """Takes states as a reading does: a count for each, and a note where it has to."""

    def __init__(self, facts: ApplicationFacts | None = None) -> None:
        self.evidence = Evidence("run", NOW, Outcome.SUCCEEDED)
        self.findings = Findings(facts, self.evidence)

    def policy(self, policy: tuple[str, ...] = POLICY, *, is_manual: bool = False) -> PolicyFindings:
        evidence = self.evidence.assignments.setdefault(policy[0], AssignmentEvidence(policy[0]))
        return self.findings.of_policy(policy, evidence, is_manual=is_manual)

    def take(self, policy: PolicyFindings, states: Iterable[tuple[str | None, str | None, str | None]]) -> None:
        for resource, compliance_state, evaluated_at in states:
            policy.counts[compliance_state] = policy.counts.get(compliance_state, 0) + 1
            if compliance_state == "NonCompliant" or policy.is_watched:
                policy.note(fold(resource or ""), evaluated_at, compliance_state)

    def concluded(self) -> AssignmentEvidence:
        self.findings.conclude()
        return self.evidence.assignments[ASSIGNMENT]


BEYOND = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-03-02T25:00:00Z"]
"""Times that UTC cannot have."""


def at(hours: float) -> str:
    return (NOW + timedelta(hours=hours)).isoformat()


def test_a_violation_is_one_key_whatever_its_casing_with_its_latest_evaluation() -> None:
    reading = Reading()

    reading.take(
        reading.policy(),
        [("/G/Web", "NonCompliant", at(-2)), ("/g/web", "NonCompliant", at(-1)), ("/g/WEB", "NonCompliant", at(-3))],
    )

    assert reading.concluded().noncompliant == {
        StateKey("reference", "definition", "/g/web"): NOW - timedelta(hours=1),
    }


@pytest.mark.parametrize("text", [None, "", "yesterday", "2026-13-01T00:00:00Z", *BEYOND])
def test_a_violation_without_a_readable_time_is_one_all_the_same(text: str | None) -> None:
    reading = Reading()

    reading.take(reading.policy(), [("/g/web", "NonCompliant", text)])

    assert list(reading.concluded().noncompliant.values()) == [None]


def test_azures_seven_digits_and_a_time_without_zone_are_read_as_utc() -> None:
    reading = Reading()

    texts = "2026-03-02T12:00:00.1234567Z", "2026-03-02T12:00:00", "2026-03-02T14:00:00.000000001+02:00"
    reading.take(reading.policy(), [(f"/g/{number}", "NonCompliant", text) for number, text in enumerate(texts)])

    times = list(reading.concluded().noncompliant.values())
    assert times == [NOW + timedelta(microseconds=123456), NOW, NOW]


def test_other_states_are_looked_at_only_for_keys_that_are_open() -> None:
    reading = Reading(before("/g/fixed", "/g/exempted", "/g/odd"))
    policy = reading.policy()

    reading.take(
        policy,
        [
            ("/G/fixed", "Compliant", at(-1)),
            ("/g/never-broken", "Compliant", at(-1)),
            ("/g/exempted", "Exempt", at(-1)),
            ("/g/odd", "Error", at(-1)),
        ],
    )

    found = reading.concluded()
    assert policy.is_watched
    assert found.compliant == {StateKey("reference", "definition", "/g/fixed"): NOW - timedelta(hours=1)}
    assert found.exempt == {StateKey("reference", "definition", "/g/exempted")}
    assert found.other == {StateKey("reference", "definition", "/g/odd")}
    assert (found.compliant_states, found.exempt_states, found.undecided_states) == (2, 1, 1)


def test_of_several_compliant_states_the_earliest_counts_and_one_without_time_could_be_any() -> None:
    reading = Reading(before("/g/web", "/g/vault"))

    reading.take(
        reading.policy(),
        [
            ("/g/web", "Compliant", at(-1)),
            ("/g/web", "Compliant", at(-3)),
            ("/g/vault", "Compliant", at(-1)),
            ("/g/vault", "Compliant", None),
        ],
    )

    assert list(reading.concluded().compliant.values()) == [NOW - timedelta(hours=3), None]


def test_a_policy_without_open_keys_is_not_watched() -> None:
    reading = Reading(before("/g/web"))
    assert not reading.policy((ASSIGNMENT, "another reference", "definition")).is_watched
    assert not reading.policy((OTHER, "reference", "definition")).is_watched


def test_unknown_counts_against_an_assignment_unless_its_effect_is_manual() -> None:
    reading = Reading()
    states = [("/g/web", literal, None) for literal in ("Unknown", "unknown", "Error", "Conflict", "Invented", None)]

    reading.take(reading.policy(is_manual=True), states)
    reading.take(reading.policy((ASSIGNMENT, "other", "definition")), states)

    found = reading.concluded()
    assert (found.manual_states, found.undecided_states) == (2, 10)


def test_violations_beyond_the_bound_are_marked_and_open_ones_are_never_among_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_OPEN_KEYS", 2)
    reading = Reading(before("/g/known"))

    reading.take(reading.policy(), [(f"/g/{name}", "NonCompliant", None) for name in ("one", "two", "three", "known")])

    found = reading.concluded()
    assert {key.resource_id for key in found.noncompliant} == {"/g/one", "/g/two", "/g/known"}
    assert found.overflow


def test_protected_states_count_neither_as_compliant_nor_as_undecided() -> None:
    reading = Reading()
    reading.take(reading.policy(), [("/a", "Protected", at(0)), ("/b", "protected", at(0))])

    evidence = reading.concluded()

    assert (evidence.protected_states, evidence.compliant_states, evidence.undecided_states) == (2, 0, 0)
    assert evidence.noncompliant == {}
