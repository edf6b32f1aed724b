"""``snooze``: a plan version is silent for a while, and says who wanted that."""

from __future__ import annotations

import pytest

from sandbox.local_azure import Sandbox
from tests.operations.command_line import Cli

PLAN = ("--plan", "standard", "--version", "2.0.0")
BEGIN = (*PLAN, "--until", "2d", "--reason", "region move", "--yes")


def test_a_snooze_begins_is_listed_and_ends(cli: Cli, sandbox: Sandbox) -> None:
    assert cli("snooze", *BEGIN).status == 0
    [listed] = cli("snooze", "--list", "--json").document["snoozes"]
    assert (listed["plan"], listed["version"], listed["person"], listed["reason"]) == (
        "standard",
        "2.0.0",
        "ada",
        "region move",
    )
    assert "region move" in cli("snooze", "--list").words
    assert cli("snooze", "--end", *PLAN).status == 0
    assert cli("snooze", "--list", "--json").document["snoozes"] == []
    rows = sandbox.workspace.query("ManagedApplicationEvents_CL | order by Event_time asc")
    assert [(row["Registry_action"], row["Plan_version"], row["Application_id"]) for row in rows] == [
        ("Snoozed", "2.0.0", ""),
        ("SnoozeEnded", "2.0.0", ""),
    ]


def test_another_snooze_of_the_same_plan_version_replaces_the_first(cli: Cli) -> None:
    cli("snooze", *BEGIN)
    assert cli("snooze", *PLAN, "--until", "4d", "--reason", "it takes longer", "--yes").status == 0
    [listed] = cli("snooze", "--list", "--json").document["snoozes"]
    assert listed["reason"] == "it takes longer"


def test_a_snooze_without_a_version_is_about_every_version(cli: Cli) -> None:
    options = ("--plan", "standard", "--until", "2d", "--reason", "region move", "--yes")
    assert "standard (every version)" in cli("snooze", *options).words
    [listed] = cli("snooze", "--list", "--json").document["snoozes"]
    assert (listed["plan"], listed["version"]) == ("standard", "")
    assert cli("snooze", "--end", *PLAN).status == 1
    assert cli("snooze", "--end", "--plan", "standard").status == 0


def test_nothing_is_snoozed_at_first(cli: Cli) -> None:
    done = cli("snooze", "--list")
    assert (done.status, "Nothing is snoozed." in done.words) == (0, True)


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--version", "2.0.0", "--until", "2d", "--reason", "r"),
        (*PLAN, "--reason", "r"),
        (*PLAN, "--until", "2d"),
        (*PLAN, "--until", "2020-01-01", "--reason", "r"),
        ("--end",),
        ("--end", "--list"),
    ],
)
def test_a_snooze_has_a_plan_version_an_end_and_a_reason(cli: Cli, options: tuple[str, ...]) -> None:
    assert cli("snooze", *options, "--yes").status == 2


def test_it_asks_first(cli: Cli) -> None:
    done = cli("snooze", *BEGIN[:-1])
    assert (done.status, "--yes" in done.errors) == (2, True)
    assert cli("snooze", "--list", "--json").document["snoozes"] == []


def test_what_is_not_snoozed_cannot_end(cli: Cli) -> None:
    done = cli("snooze", "--end", *PLAN, "--json")
    assert (done.status, "is not snoozed" in done.document["error"]) == (1, True)
