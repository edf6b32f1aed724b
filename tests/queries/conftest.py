from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest

from sandbox.alerts.evaluation import AlertEvaluator
from sandbox.alerts.rules import AlertRule, read_rules
from sandbox.workspace.schema import read_tables
from sandbox.workspace.workspace import Workspace
from tests.queries.fleet import NOW, Fleet

Fired = Callable[..., dict[tuple[str, ...], float]]


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
