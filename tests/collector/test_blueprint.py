"""The timer function: a run over the settings of the environment, and a failed invocation when it did not do its work."""

import azure.functions as func
import pytest

from collector import blueprint
from collector.run import CollectionFailedError
from tests.collector.conftest import RUNS_TABLE, Fleet


class Tick(func.TimerRequest):
    @property
    def past_due(self) -> bool:
        return True


async def test_the_timer_collects_the_fleet(fleet: Fleet, environment: dict[str, str]) -> None:
    assert environment
    await fleet.deploy("Contoso")

    await blueprint.collect_policy_states(Tick())

    (run,) = fleet.rows(RUNS_TABLE)
    assert (run["Trigger"], run["Succeeded"]) == ("timer, past due", 1)


async def test_a_run_that_did_not_do_its_work_fails_the_invocation(fleet: Fleet, environment: dict[str, str]) -> None:
    assert environment
    await fleet.deploy("Contoso")
    await fleet.add_row(PartitionKey="somewhere", RowKey="broken")

    with pytest.raises(CollectionFailedError, match="1 Failed"):
        await blueprint.collect_policy_states(Tick())
