"""Any interleaving of what customers do and what is told ends with the registry equal to what ARM says."""

from __future__ import annotations

import hypothesis
import pytest
from hypothesis import HealthCheck
from hypothesis.stateful import run_state_machine_as_test

from sandbox.local_azure import Sandbox
from tests.reliability.registry_machine import RegistryMachine


def _play(sandbox: Sandbox, **settings: object) -> int:
    RegistryMachine.sandbox = sandbox
    RegistryMachine.deliveries = 0
    run_state_machine_as_test(
        RegistryMachine,
        settings=hypothesis.settings(
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            **settings,  # type: ignore[arg-type]
        ),
    )
    return RegistryMachine.deliveries


def test_any_interleaving_ends_with_what_arm_says(sandbox: Sandbox) -> None:
    _play(sandbox, max_examples=8, stateful_step_count=15, derandomize=True)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_thousands_of_interleaved_deliveries_end_with_what_arm_says(sandbox: Sandbox) -> None:
    deliveries = _play(sandbox, max_examples=450, stateful_step_count=50)
    print(f"\n{deliveries} deliveries")  # noqa: T201 - the figure for docs/reliability.md
    assert deliveries > 5000
