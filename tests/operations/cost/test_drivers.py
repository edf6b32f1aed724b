"""``cost`` says why states were uploaded, and what another setting would save, as far as rows tell it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from collector.__main__ import main as collect
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.operations.command_line import Cli
from tests.operations.cost.rows import (
    APPLICATION,
    MONTH,
    midnight,
    store_read,
    store_run,
    store_states,
    turns,
    uploads,
)
from verdicts.publication import EVERYTHING_EVERY


def test_the_turn_and_a_change_between_turns_are_told_apart(cli: Cli, sandbox: Sandbox) -> None:
    turn, another = turns(hours=range(48, 120))[:2]
    assert another - turn == EVERYTHING_EVERY
    store_states(sandbox, turn - timedelta(hours=18))
    for moment in (turn, turn + timedelta(hours=2), another):
        store_states(sandbox, moment)
    store_read(sandbox, turn + timedelta(hours=1))
    for day in (8, 1):
        store_run(sandbox, midnight(day))
    done = cli("cost", "--json")
    assert done.status == 0
    assert uploads(done) == {"first": 1, "turn": 2, "changed": 1}
    assert done.document["drivers"]["reads"] == 5
    assert "UPLOADED_STATES" not in cli("cost").output


def test_an_upload_before_the_span_says_why_the_first_one_in_it_was_made(cli: Cli, sandbox: Sandbox) -> None:
    (turn,) = turns(hours=range(149, 168))
    day = turn.replace(hour=0)
    days = str((midnight() - day).days)
    for moment in (turn - EVERYTHING_EVERY - timedelta(hours=6), turn):
        store_states(sandbox, moment)
    store_run(sandbox, day - timedelta(days=1))
    store_run(sandbox, day)
    found = uploads(cli("cost", "--json", "--days", days))
    assert found["turn"] >= 1
    assert "first" not in found


def test_when_every_read_is_uploaded_that_is_said_and_what_it_costs(cli: Cli, sandbox: Sandbox) -> None:
    store_run(sandbox, midnight(3))
    for hour in range(48):
        store_states(sandbox, midnight(2) + timedelta(hours=hour))
    done = cli("cost", "--json", "--days", "2")
    found = uploads(done)
    assert found.keys() == {"first", "turn", "every_read"}
    assert (found["first"], sum(found.values())) == (1, 48)
    assert found["turn"] in {2, 3}
    everything = done.document["drivers"]["uploads"]["every_read"]["bytes"] / 2 * MONTH / 1e9 * 2.99
    assert done.document["savings_a_month"]["UPLOADED_STATES=changed"] == pytest.approx(everything)
    assert "UPLOADED_STATES=all" in cli("cost", "--days", "2").output


def test_detailed_compliant_states_say_what_summarised_ones_would_save(cli: Cli, sandbox: Sandbox) -> None:
    store_run(sandbox, midnight(3))
    moment = midnight(1) + timedelta(hours=1)
    store_states(sandbox, moment, states=12)
    store_states(sandbox, moment + timedelta(minutes=1), states=3, kind="NonCompliant")
    done = cli("cost", "--json", "--days", "2")
    drivers = done.document["drivers"]
    detailed, summarised = drivers["states"]["detailed"], drivers["detailed_if_summarised"]
    assert (detailed["rows"], drivers["states"]["other"]["rows"], summarised["rows"]) == (12, 3, 1)
    one = {"Run_id": moment.isoformat(), "Application_id": APPLICATION, "Policy_assignment_id": "a"}
    texts = (moment.isoformat(), *one.values(), "Compliant", "12")
    assert summarised["bytes"] == sum(map(len, texts)), "a row without a resource, and with the number of them"
    saved = (detailed["bytes"] - summarised["bytes"]) / 2 * MONTH / 1e9 * 2.99
    assert done.document["savings_a_month"] == {"COMPLIANT_STATES=summarised": pytest.approx(saved)}


def test_few_reads_that_were_all_uploaded_do_not_tell_a_change_from_the_setting(cli: Cli, sandbox: Sandbox) -> None:
    (turn,) = turns(hours=range(149, 168))
    for hours in (0, 1, 2):
        store_states(sandbox, turn + timedelta(hours=hours))
    store_run(sandbox, midnight(3))
    found = uploads(cli("cost", "--json"))
    assert found == {"first": 1, "unclear": 2}


def test_summarised_compliant_states_have_nothing_to_save(cli: Cli, sandbox: Sandbox) -> None:
    store_run(sandbox, midnight(3))
    store_states(sandbox, midnight(1), states=1, Resource_id="", Resource_count=12)
    done = cli("cost", "--json", "--days", "2")
    assert done.document["drivers"]["states"].keys() == {"summarised"}
    assert done.document["savings_a_month"] == {}


def test_the_summarised_rows_of_the_collector_take_what_was_foretold(
    cli: Cli, sandbox: Sandbox, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer.break_resource("storage1", "secure-transfer")
    assert cli("add", customer.application_id).status == 0
    found = {}
    for setting in ("detailed", "summarised"):
        monkeypatch.setenv("COMPLIANT_STATES", setting)
        sandbox.workspace.clear()
        assert collect(["--json"]) == 0
        found[setting] = cli("cost", "--json").document["drivers"]
    foretold, stored = found["detailed"]["detailed_if_summarised"], found["summarised"]["states"]["summarised"]
    assert stored == foretold
    assert stored["rows"] > 1
    assert found["detailed"]["states"]["detailed"]["rows"] > stored["rows"]
    assert found["detailed"]["states"]["other"]["rows"] == found["summarised"]["states"]["other"]["rows"] == 1
