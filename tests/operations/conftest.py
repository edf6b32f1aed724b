"""The command line over a registry in the sandbox, and a customer whom nobody has registered yet."""

import signal
from collections.abc import Iterator

import pytest

from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.operations.command_line import Cli, cli
from tests.operations.ledger_facts import LedgerNow
from tests.registry.conftest import RawTable, arm, ownership, refresher, registry, settings, table

__all__ = ["RawTable", "arm", "cli", "ownership", "refresher", "registry", "settings", "table"]


@pytest.fixture
def customer(sandbox: Sandbox) -> Customer:
    return sandbox.arm.add_customer("Contoso")


@pytest.fixture
def registered(cli: Cli, customer: Customer) -> Customer:
    assert cli("add", customer.application_id).status == 0
    return customer


@pytest.fixture
def ledger(environment: dict[str, str]) -> LedgerNow:
    return LedgerNow(environment)


@pytest.fixture
def signals_of_a_terminal() -> Iterator[None]:
    """What is started ignores no signal, whatever started the tests: a script's background, or nohup."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
