from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

import pytest

from sandbox.alerts.evaluation import AlertEvaluator, Notification
from sandbox.alerts.rules import AlertRule, read_rules
from sandbox.workspace.schema import read_tables
from sandbox.workspace.workspace import Workspace
from tests.queries.fleet import NOW, Fleet
from tests.queries.published import Row, store

Fired = Callable[..., dict[tuple[str, ...], float]]
Names = Callable[..., list[str]]
Story = Callable[..., list[str]]


@pytest.fixture(scope="session")
def shared_workspace() -> Iterator[Workspace]:
    with Workspace(read_tables(), clock=lambda: NOW) as workspace:
        yield workspace


@pytest.fixture
def workspace(shared_workspace: Workspace) -> Workspace:
    shared_workspace.clear()
    return shared_workspace


@pytest.fixture
def fleet(workspace: Workspace) -> Fleet:
    return Fleet(workspace)


@pytest.fixture(scope="session")
def rules() -> dict[str, AlertRule]:
    return {rule.name: rule for rule in read_rules("PT1H")}


@pytest.fixture
def fired(workspace: Workspace, rules: dict[str, AlertRule]) -> Fired:
    """Evaluates one rule once, with nothing fired before, and returns value by dimensions of what fires."""

    def evaluate(rule: str, *, at: datetime = NOW + timedelta(minutes=1)) -> dict[tuple[str, ...], float]:
        notifications = AlertEvaluator([rules[rule]], workspace).evaluate(at)
        return {tuple(told.dimensions.values()): told.value for told in notifications}

    return evaluate


@pytest.fixture
def names(workspace: Workspace, rules: dict[str, AlertRule]) -> Names:
    """Evaluates one rule once and returns, in order, what the dimension `Application` of each alert says.

    Without that dimension it is the name at the end of the application's id, and without any the name of the rule.
    """

    def evaluate(rule: str, *, at: datetime = NOW + timedelta(minutes=1)) -> list[str]:
        found = AlertEvaluator([rules[rule]], workspace).evaluate(at)
        return sorted(_name_in(told.dimensions) or rule for told in found)

    return evaluate


def _name_in(dimensions: Mapping[str, str]) -> str:
    return dimensions.get("Application") or dimensions.get("Application_id", "").rpartition("/")[2]


@pytest.fixture
def story(workspace: Workspace, rules: dict[str, AlertRule]) -> Story:
    """Plays a rule: rows arrive at hours after NOW, evaluations come every quarter of an hour until `until`.

    Returns every notification as "<condition> <name>", in the order in which they were told.
    """

    def play(rule: str, arrivals: dict[float, list[Row]], *, until: float) -> list[str]:
        evaluator = AlertEvaluator([rules[rule]], workspace)
        waiting = sorted(arrivals.items())
        told: list[Notification] = []
        for quarter in range(int(until * 4) + 1):
            while waiting and waiting[0][0] <= quarter / 4:
                store(workspace, *waiting.pop(0)[1])
            told += evaluator.evaluate(NOW + timedelta(minutes=15 * quarter))
        return [f"{one.condition} {_name_in(one.dimensions) or rule}" for one in told]

    return play
