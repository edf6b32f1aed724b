"""The judgement in KQL compared with the same judgement in plain Python, over random histories of runs."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.alerts.evaluation import AlertEvaluator
from sandbox.alerts.rules import AlertRule
from sandbox.workspace.workspace import Workspace
from tests.queries.fleet import NOW, Fleet, State

NAMES = ("alpha", "beta", "gamma")
READ = ("Succeeded", "NoStates")


@dataclass(frozen=True)
class RunOf:
    """What one run says about each application (its states or the outcome that kept them away), and how."""

    applications: dict[str, list[State] | str]
    completed: bool
    forgotten: frozenset[str]  # registered applications whose result got lost
    states_without_result: dict[str, list[State]]  # uploaded, then the run was killed
    uploaded_twice: bool
    shouting: bool

    def result_of(self, name: str) -> str | None:
        found = self.applications.get(name)
        if found is None or name in self.forgotten:
            return None
        return found if isinstance(found, str) else ("Succeeded" if found else "NoStates")


states = st.lists(
    st.builds(
        State,
        st.sampled_from(["Compliant", "NonCompliant", "NonCompliant", "Exempt", "Unknown"]),
        resource=st.sampled_from(["vm", "disk"]),
        assignment=st.sampled_from(["baseline", "tls"]),
        reference=st.sampled_from(["", "one", "two"]),
    ),
    max_size=4,
)
outcomes = st.sampled_from(["AccessDenied", "NotFound", "Throttled", "Failed", "UploadFailed", "Skipped"])
runs = st.builds(
    RunOf,
    applications=st.dictionaries(st.sampled_from(NAMES), states | outcomes),
    completed=st.sampled_from([True, True, False]),
    forgotten=st.frozensets(st.sampled_from(NAMES), max_size=1) | st.just(frozenset()),
    states_without_result=st.dictionaries(st.sampled_from(NAMES), states, max_size=1),
    uploaded_twice=st.booleans(),
    shouting=st.booleans(),
)
histories = st.lists(runs, max_size=5)


def write(fleet: Fleet, history: list[RunOf]) -> None:
    for hours_ago, run in zip(range(len(history) - 1, -1, -1), history, strict=True):
        reported = {name: found for name, found in run.applications.items() if name not in run.forgotten}
        run_id = fleet.run(
            hours_ago=hours_ago,
            completed=run.completed,
            registered=len(run.applications),
            shouting=run.shouting,
            **reported,
        )
        common = {"TimeGenerated": fleet.started(run_id), "Run_id": run_id}
        if run.uploaded_twice:
            for name, found in reported.items():
                fleet.upload_states(common, name, [] if isinstance(found, str) else found)
                fleet.upload_result(common, name, found)
        for name, found in run.states_without_result.items():
            if run.result_of(name) not in READ:
                fleet.upload_states(common, name, found)


def latest_completed(history: list[RunOf]) -> int | None:
    return max((number for number, run in enumerate(history) if run.completed), default=None)


def expected_noncompliant(history: list[RunOf]) -> dict[tuple[str, str], float]:
    latest = latest_completed(history)
    counts: Counter[tuple[str, str]] = Counter()
    for name in NAMES:
        if latest is None or history[latest].result_of(name) is None:
            continue
        reads = [run for run in history if run.result_of(name) in READ]
        found = reads[-1].applications[name] if reads else []
        distinct = {replace(state, count=1) for state in found if isinstance(state, State)}
        counts.update((name, f"The {state.assignment}") for state in distinct if state.compliance == "NonCompliant")
    return dict(counts)


def expected_unread(history: list[RunOf]) -> set[str]:
    latest = latest_completed(history)
    if latest is None:
        return set()
    accounted = max(
        (n for n, run in enumerate(history) if run.completed and not run.forgotten & set(run.applications)), default=-1
    )
    unread = set()
    for name in NAMES:
        results = {number: run.result_of(name) for number, run in enumerate(history) if run.result_of(name) is not None}
        if latest in results:
            if results[max(results)] not in READ:
                unread.add(name)
        elif results and accounted <= max(results) < latest:
            unread.add(name)
    return unread


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories)
def test_the_queries_judge_like_the_design_says(
    shared_workspace: Workspace, rules: dict[str, AlertRule], history: list[RunOf]
) -> None:
    shared_workspace.clear()
    write(Fleet(shared_workspace), history)

    found = AlertEvaluator([rules["application-noncompliant"], rules["application-unread"]], shared_workspace).evaluate(
        NOW + timedelta(minutes=1)
    )

    noncompliant = {
        (told.dimensions["Application_name"], told.dimensions["Policy_assignment"]): told.value
        for told in found
        if told.rule.name == "application-noncompliant"
    }
    unread = {told.dimensions["Application_name"] for told in found if told.rule.name == "application-unread"}
    assert noncompliant == expected_noncompliant(history)
    assert unread == expected_unread(history)
