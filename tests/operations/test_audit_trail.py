"""Each command that changes something leaves a row, whatever becomes of it; and which commands those are."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from operations.parser import command_parser
from operations.parsing.changes import Reach
from sandbox.faults.effects import Status
from sandbox.faults.operations import Upload
from sandbox.local_azure import Sandbox
from sandbox.roles import AUDIT_TABLE
from sandbox.services import Service
from sandbox.world.customers import Customer
from tests.operations.command_line import WHY, Cli, listed

STREAM = f"Custom-{AUDIT_TABLE}"
ID = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.Solutions/applications/a"
OTHER = f"{ID}2"
REASON = ("--reason", "why")
NOTHING, OURS, CUSTOMERS = Reach.NOTHING, Reach.OURS, Reach.CUSTOMERS

CHANGES: dict[str, list[tuple[Reach, tuple[str, ...]]]] = {
    "list": [(NOTHING, ())],
    "show": [(NOTHING, (ID,))],
    "add": [(OURS, (ID,))],
    "discover": [(OURS, ()), (NOTHING, ("--check",))],
    "remove": [(OURS, (ID, *REASON))],
    "name": [(OURS, (ID, "Contoso"))],
    "check": [(NOTHING, ())],
    "reconcile": [(OURS, ())],
    "accept": [(OURS, (ID,)), (NOTHING, (ID, "--dry-run")), (NOTHING, ("--list",))],
    "exemptions": [(NOTHING, ()), (NOTHING, (ID, "--request", "a"))],
    "baseline": [
        (OURS, ("--from", ID)),
        (OURS, ("--file", "f")),
        (NOTHING, ("--list",)),
        (NOTHING, ("--from", ID, "--dry-run")),
    ],
    "plan show": [(NOTHING, ())],
    "plan settle": [(OURS, ("--file", "f", *REASON)), (NOTHING, ("--file", "f", *REASON, "--dry-run"))],
    "plan reset": [(OURS, ("--plan", "gold", *REASON))],
    "snooze": [(OURS, ()), (OURS, ("--end",)), (NOTHING, ("--list",))],
    "ledger check": [(NOTHING, ())],
    "ledger repair": [(OURS, (ID, *REASON))],
    "pending list": [(NOTHING, ())],
    "pending replay": [(OURS, ("--all",))],
    "pending drop": [(OURS, (ID, *REASON))],
    "restore": [
        (NOTHING, ()),
        (OURS, (*REASON, "--yes")),
        (OURS, ("--begin-anew", *REASON)),
        (NOTHING, ("--list",)),
        (NOTHING, (*REASON, "--dry-run")),
    ],
    "scan": [(CUSTOMERS, (ID,))],
    "remediate": [(NOTHING, (ID, "--assignment", "a")), (CUSTOMERS, (ID, "--assignment", "a", "--create"))],
    "cost": [(NOTHING, ())],
    "doctor": [(NOTHING, ()), (NOTHING, ("--all",))],
}
"""Every command, and what it changes with which options."""


def commands(parser: argparse.ArgumentParser, name: str = "") -> Iterator[str]:
    """The names of the commands of a parser that have no commands of their own."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for part, below in action.choices.items():
                yield from commands(below, f"{name} {part}".strip())
            return
    yield name


def test_of_every_command_it_is_said_whether_it_changes_something() -> None:
    assert set(commands(command_parser())) == set(CHANGES)
    for name, ways in CHANGES.items():
        for reach, arguments in ways:
            options = command_parser().parse_args([*name.split(), *arguments])
            assert options.changes.made_by(options) is reach, (name, arguments)


def trail(sandbox: Sandbox) -> list[dict[str, Any]]:
    return sandbox.workspace.query(f"{AUDIT_TABLE} | extend Told = iff(Outcome == 'begun', 0, 1) | order by Told asc")


def test_a_command_is_told_with_who_ran_it_and_its_options(cli: Cli, sandbox: Sandbox, customer: Customer) -> None:
    assert cli("add", customer.application_id, "--person", "Grace Hopper").status == 0

    [row] = trail(sandbox)
    expected = {
        "Writer": "worker",
        "Kind": "command",
        "Actor_name": "Grace Hopper",
        "Actor_kind": "operator",
        "Actor_id": "",
        "Command": f"add {customer.application_id} --person 'Grace Hopper'",
        "Exit_status": 0,
        "Status": None,
        "Outcome": "done",
        "Reason": "",
        "Application_id": customer.application_id,
        "Is_fleet_wide": False,
    }
    assert {name: row[name] for name in expected} == expected
    assert (row["Duration_ms"] >= 0, len(row["Correlation_id"])) == (True, 32)


def test_looking_leaves_no_row(cli: Cli, sandbox: Sandbox, registered: Customer) -> None:
    before = trail(sandbox)
    for command in (("list",), ("show", registered.application_id), ("check",), ("plan", "show"), ("snooze", "--list")):
        cli(*command)
    assert trail(sandbox) == before


@pytest.mark.parametrize(
    ("arguments", "ended", "about"),
    [
        (("add", ID), (1, "failed", "1 of 1 applications were not registered"), ID),
        (("add", ID, OTHER), (1, "failed", "2 of 2 applications were not registered"), ""),
        (("remove", ID, *WHY), (1, "failed", f"{ID} is not in the registry"), ID),
        (("name", ID, "Contoso"), (1, "failed", f"{ID} is not in the registry"), ID),
        (("scan", ID, "--all-open"), (2, "refused", "name an application, or --all-open"), ID),
    ],
)
def test_a_command_is_told_whatever_becomes_of_it(
    cli: Cli, sandbox: Sandbox, arguments: tuple[str, ...], ended: tuple[int, str, str], about: str
) -> None:
    assert cli(*arguments).status == ended[0]

    row = trail(sandbox)[-1]
    assert (row["Exit_status"], row["Outcome"], row["Reason"]) == ended
    assert (row["Application_id"], row["Is_fleet_wide"]) == (about, not about)


def test_a_command_about_everybody_says_so(cli: Cli, sandbox: Sandbox, registered: Customer) -> None:
    assert cli("reconcile").status == 0

    row = trail(sandbox)[-1]
    assert (row["Command"], row["Outcome"], row["Is_fleet_wide"]) == ("reconcile", "done", True)


def test_what_nobody_confirmed_is_told_as_refused(cli: Cli, sandbox: Sandbox, registered: Customer) -> None:
    registered.start_deleting()

    assert cli("remove", registered.application_id, *WHY).status == 2

    row = trail(sandbox)[-1]
    assert (row["Outcome"], row["Exit_status"]) == ("refused", 2)
    assert "say --yes" in row["Reason"]
    assert listed(cli) == [registered.application_id]


def test_what_is_denied_on_a_terminal_is_told_as_refused(
    cli: Cli, sandbox: Sandbox, registered: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered.start_deleting()
    keyboard = io.StringIO("n\n")
    monkeypatch.setattr(keyboard, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", keyboard)
    monkeypatch.setenv("FORCE_COLOR", "1")

    assert cli("remove", registered.application_id, *WHY).status == 1
    assert (trail(sandbox)[-1]["Outcome"], trail(sandbox)[-1]["Reason"]) == ("refused", "not done")


def test_a_service_that_fails_is_told(cli: Cli, sandbox: Sandbox) -> None:
    with sandbox.offline(Service.TABLES):
        assert cli("snooze", "--end", "--plan", "gold").status != 0

    [row] = trail(sandbox)
    assert row["Outcome"] in {"failed", "refused"}


def test_a_row_that_is_not_stored_shows_in_status_and_output(
    cli: Cli, sandbox: Sandbox, customer: Customer, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.faults.add(Upload(STREAM), Status(403))

    done = cli("add", customer.application_id, "--json")

    assert (done.status, done.document["applications"][0]["result"]) == (1, "Registered")
    assert "the audit row of this command was not stored" in done.document["error"]
    assert "audit row not stored" in caplog.text
    assert customer.application_id in caplog.text
    assert listed(cli) == [customer.application_id], "what is done is done"


@pytest.mark.parametrize("command", [("scan",), ("remediate", "--assignment", "a", "--create", *WHY)])
def test_what_acts_at_a_customer_does_not_begin_without_its_row(
    cli: Cli, sandbox: Sandbox, registered: Customer, command: tuple[str, ...]
) -> None:
    sandbox.faults.add(Upload(STREAM), Status(403))
    sandbox.clear_counts()

    name, *more = command
    done = cli(name, registered.application_id, *more, "--yes", "--json")

    assert done.status == 1
    assert "not begun: the audit row of its beginning was not stored" in done.document["error"]
    assert sandbox.requests.of(Service.RESOURCE_MANAGER) == []


def test_what_acts_at_a_customer_is_told_when_it_begins_and_when_it_ends(
    cli: Cli, sandbox: Sandbox, registered: Customer
) -> None:
    cli("scan", registered.application_id, "--wait", "0", "--yes")

    first, last = [row for row in trail(sandbox) if row["Command"].startswith("scan")]
    assert (first["Outcome"], first["Exit_status"], first["Duration_ms"]) == ("begun", None, None)
    assert (last["Outcome"], last["Exit_status"]) == ("done", 0)
    assert first["Correlation_id"] == last["Correlation_id"]


def test_without_settings_nothing_begins(cli: Cli, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATA_COLLECTION_IMMUTABLE_ID")

    done = cli("reconcile", "--json")

    assert (done.status, done.document["error"]) == (2, "bad settings")


def test_settings_that_only_the_command_needs_are_told_as_a_refusal(
    cli: Cli, sandbox: Sandbox, registered: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATES_WINDOW_HOURS", "many")

    assert cli("scan", registered.application_id, "--yes").status == 2

    row = trail(sandbox)[-1]
    assert (row["Outcome"], row["Exit_status"], "STATES_WINDOW_HOURS" in row["Reason"]) == ("refused", 2, True)
