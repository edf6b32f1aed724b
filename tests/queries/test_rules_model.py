"""The rules compared with the same judgement in plain Python, over random rows of which some are lost, late or doubled."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.alerts.evaluation import AlertEvaluator
from sandbox.alerts.rules import AlertRule
from sandbox.workspace.workspace import Workspace
from tests.queries.fleet import NOW
from tests.queries.published import (
    KINDS,
    RESULTS,
    VERDICTS,
    Row,
    at,
    heartbeat,
    result,
    store,
    unread,
    verdict,
)

NAMES = ("alpha", "beta")
CAUSES = ("", "", "violated: tls")
ENDED = {"Left", "LeftUnconfirmed", "Retired"}
RULES = {
    "application-noncompliant": ("Alarm", "Accepted_until"),
    "guard-changed": ("Guard_alarm", "Guard_accepted_until"),
    "guard-noticed": ("Notice_alarm", None),
    "assignment-undecided": ("Undecided_alarm", None),
}
UNREAD, LEFT, MANY = "application-unread", "application-left-unconfirmed", "fleet-in-trouble"

hours = st.integers(0, 400).map(lambda number: number / 10)
untils = st.sampled_from([None, None, at(-1).isoformat(), at(1).isoformat()])
verdicts = st.builds(
    verdict,
    st.sampled_from(NAMES),
    st.sampled_from(["Compliant", "NonCompliant", "Undecided", "Left", "LeftUnconfirmed", "Retired"]),
    assignment=st.sampled_from(["baseline", "tls"]),
    hours_ago=hours,
    alarms=st.frozensets(st.sampled_from(sorted(KINDS))),
    cause=st.sampled_from(CAUSES),
    Accepted_until=untils,
    Guard_accepted_until=untils,
    Snoozed_until=untils,
    Noncompliant_states=st.sampled_from([None, 0, 3]),
)
results = st.builds(result, st.sampled_from(NAMES), st.sampled_from(["Succeeded", "Left", "NotFound"]), hours_ago=hours)
unreads = st.builds(
    unread,
    st.sampled_from(NAMES),
    st.sampled_from(["AccessDenied", "Vanished", "Left", "LeftUnconfirmed"]),
    cause=st.sampled_from(CAUSES),
    hours_ago=hours,
    Left_alarm_key=st.sampled_from(["", "key"]),
)
heartbeats = st.builds(heartbeat, st.sampled_from([VERDICTS, RESULTS]), hours_ago=hours)
shouting = st.booleans()
rows = st.lists(st.tuples(verdicts | results | unreads | heartbeats, shouting, st.integers(1, 2)), max_size=14)


def latest(visible: list[Row], table: str) -> dict[tuple[str, str], dict[str, Any]]:
    """The values of the latest row by application and assignment, folded; two rows never have the same time."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in sorted((row for row in visible if row.table == table), key=lambda row: row.values["TimeGenerated"]):
        values = row.values
        if values["Application_id"]:
            found[values["Application_id"].lower(), values.get("Policy_assignment_id", "").lower()] = values
    return found


def is_past(moment: str | None) -> bool:
    return moment is None or datetime.fromisoformat(moment) <= NOW


def standing(visible: list[Row]) -> Iterator[dict[str, Any]]:
    departed = {
        key[0]: values["TimeGenerated"]
        for key, values in latest(visible, RESULTS).items()
        if values["Outcome"] == "Left"
    }
    for key, values in latest(visible, VERDICTS).items():
        has_left = departed.get(key[0], "") >= values["TimeGenerated"]
        if values["Verdict"] not in ENDED and not has_left and is_past(values["Snoozed_until"]):
            yield values


def expected(visible: list[Row]) -> dict[str, Counter[str]]:
    """Alarm keys, or causes, that each rule fires for, with how many rows stand behind them."""
    found = {rule: Counter[str]() for rule in (*RULES, UNREAD, LEFT, MANY)}
    for values in standing(visible):
        for rule, (prefix, accepted) in RULES.items():
            key, cause = values.get(f"{prefix}_key"), values.get(f"{prefix}_cause")
            if key and (accepted is None or is_past(values[accepted])):
                found[MANY if cause else rule][cause or key] += 1
    for values in latest(visible, RESULTS).values():
        key, cause = values.get("Unread_alarm_key"), values.get("Unread_alarm_cause")
        if key and values["Outcome"] not in ("Left", "LeftUnconfirmed"):
            found[MANY if cause else UNREAD][cause or key] += 1
        if values.get("Left_alarm_key") and values["Outcome"] != "Left":
            found[LEFT][values["Left_alarm_key"]] += 1
    return found


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=rows, random=st.randoms(use_true_random=False))
def test_the_queries_judge_like_the_design_says(
    shared_workspace: Workspace, rules: dict[str, AlertRule], drawn: list[tuple[Row, bool, int]], random: Any
) -> None:
    by_time = {row.values["TimeGenerated"]: (row.shouted() if loud else row, copies) for row, loud, copies in drawn}
    visible = [row for row, copies in by_time.values() for _ in range(copies)]
    random.shuffle(visible)
    shared_workspace.clear()
    store(shared_workspace, *visible)
    wanted = expected(visible)

    told = AlertEvaluator([rules[rule] for rule in wanted], shared_workspace).evaluate(NOW)

    found = {rule: set[str]() for rule in wanted}
    for one in told:
        found[one.rule.name].add(one.dimensions.get("Alarm_key") or one.dimensions["Cause"])
    assert found == {rule: set(keys) for rule, keys in wanted.items()}
    of_causes = {one.dimensions["Cause"]: one.value for one in told if one.rule.name == MANY}

    assert of_causes == dict(wanted[MANY])
