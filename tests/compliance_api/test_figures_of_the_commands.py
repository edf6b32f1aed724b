"""The commands of an operator and the API over one collected fleet: they say the same about every application."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from compliance_api.endpoint import answer
from publisher.resource_ids import ApplicationId
from publisher.settings import ReconcileSettings
from publisher.texts import moment_in
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.collector.conftest import Fleet as Collected
from tests.collector.test_cli import run
from tests.compliance_api.conftest import Api
from tests.operations.command_line import Cli, cli
from verdicts.facts import ApplicationFacts
from verdicts.ledger import Entry, Ledger

__all__ = ["cli"]
COUNTED = ("compliance", "open_violations", "last_read", "unread_since")
WORDS = {"noncompliant": "NonCompliant", "compliant": "Compliant", "not_evaluated": "NoStates", "unknown": "NotRead"}


@pytest.fixture
def asked(environment: dict[str, str], sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Api:
    """The API, in the sandbox's own time, in which the collector runs."""
    monkeypatch.setenv("WEBSITE_AUTH_ENABLED", "True")
    monkeypatch.setitem(answer.__kwdefaults__, "clock", sandbox.clock)
    return Api()


@pytest.fixture
async def collected(sandbox: Sandbox) -> dict[str, Customer]:
    """Sound, violated, held (read once, denied since) and lost ones (compliant when last read), and one never read."""
    sandbox.clock.stop(sandbox.clock() - timedelta(minutes=40))
    fleet = Collected(sandbox)
    names = ("sound", "violated", "held", "lost", "newcomer")
    customers = dict(zip(names, await fleet.deploy(*names), strict=True))
    customers["violated"].break_resource("vault")
    customers["held"].break_resource("vault")
    customers["newcomer"].revoke_access()
    await fleet.collect()
    sandbox.clock.stop(sandbox.clock() + timedelta(minutes=20))
    await fleet.collect()  # finds nothing new of most, and writes nothing of them to the ledger
    sandbox.clock.reset()
    customers["held"].revoke_access()
    customers["lost"].revoke_access()
    return customers


def told_by_api(one: dict[str, Any]) -> dict[str, Any]:
    found = (WORDS[one["last_known"]], one["states"]["noncompliant"], one["last_read"], one["reading"]["unread_since"])
    return of_command(dict(zip(COUNTED, found, strict=True)))


def of_command(one: dict[str, Any]) -> dict[str, Any]:
    moments = {name: moment_in(one[name]) if one[name] else None for name in COUNTED[2:]}
    return {name: one[name] for name in COUNTED[:2]} | {
        name: time and time.replace(microsecond=time.microsecond // 1000 * 1000) for name, time in moments.items()
    }


async def test_the_commands_say_of_every_application_what_the_api_says(
    collected: dict[str, Customer], asked: Api, sandbox: Sandbox, cli: Cli
) -> None:
    report = json.loads(run(sandbox.environment, "--json").stdout)

    listed = {
        one["id"].lower(): told_by_api(one) for one in (await asked.get("compliance/applications")).json["applications"]
    }
    runs = {one["run_id"]: one for one in (await asked.get("compliance/runs")).json["runs"]}
    assert {one["application_id"].lower(): of_command(one) for one in report["applications"]} == listed
    registered = (await asyncio.to_thread(cli, "list", "--json")).document["applications"]
    assert {one["application_id"].lower(): of_command(one) for one in registered} == listed
    shown = {}
    for one in collected.values():
        done = await asyncio.to_thread(cli, "show", one.application_id, "--json")
        shown[one.application_id.lower()] = of_command(done.document["ledger"])
    assert shown == listed
    totals, latest = report["totals"], runs[report["run_id"]]
    for name in ("applications", "succeeded", "failed", "states", "noncompliant_states", "uploaded_rows"):
        assert totals[name] == latest[name], name


async def test_the_commands_and_the_api_say_the_same_of_what_is_overdue(
    collected: dict[str, Customer], asked: Api, sandbox: Sandbox, cli: Cli
) -> None:
    async with Ledger(ReconcileSettings.from_environment(sandbox.environment)) as ledger:
        entry = await ledger.find(ApplicationId.parse(collected["violated"].application_id))
        assert isinstance(entry, Entry)
        await ledger.write(opened_forty_days_earlier(entry.facts), replacing=entry)
    run(sandbox.environment, "--json")

    listed = (await asked.get("compliance/applications")).json["applications"]
    told = {one["id"].lower(): one["overdue_assignments"] for one in listed}
    assert sum(count or 0 for count in told.values()) == (await asked.get("compliance")).json["overdue"]["total"] == 1
    registered = (await asyncio.to_thread(cli, "list", "--json")).document["applications"]
    assert {one["application_id"].lower(): one["overdue_assignments"] for one in registered} == told
    for one in collected.values():
        shown = (await asyncio.to_thread(cli, "show", one.application_id, "--json")).document["ledger"]
        assert shown["overdue_assignments"] == told[one.application_id.lower()]
        details = (await asked.get(f"compliance/applications{one.application_id}")).json["assignments"]
        assert sorted(map(life_of_api, details)) == sorted(map(life_of_command, shown["assignments"]))


def opened_forty_days_earlier(facts: ApplicationFacts) -> ApplicationFacts:
    assignments = {
        key: replace(one, open=tuple(replace(key, opened_at=key.opened_at - timedelta(days=40)) for key in one.open))
        for key, one in facts.assignments.items()
    }
    return replace(facts, assignments=assignments)


def life_of_api(one: dict[str, Any]) -> tuple[Any, ...]:
    return life(one, one["violation_severity"])


def life_of_command(one: dict[str, Any]) -> tuple[Any, ...]:
    return life(one, one["severity"])


def life(one: dict[str, Any], severity: str) -> tuple[Any, ...]:
    due_by = moment_in(one["due_by"]) if one["due_by"] else None
    seconds = due_by.replace(microsecond=0).isoformat() if due_by else ""
    return one["id"], severity, seconds, one["is_overdue"], one["opened_in_version"] or ""


async def test_of_who_cannot_be_read_the_commands_tell_what_was_known_and_no_zero(
    collected: dict[str, Customer], sandbox: Sandbox, cli: Cli
) -> None:
    done = json.loads(run(sandbox.environment, "--json").stdout)
    told = {one["application_id"]: one for one in done["applications"]}

    known = {name: told[collected[name].application_id] for name in ("sound", "held", "lost", "newcomer")}
    assert {name: one["compliance"] for name, one in known.items()} == {
        "sound": "Compliant", "held": "NonCompliant", "lost": "Compliant", "newcomer": "NotRead",
    }  # fmt: skip
    assert known["held"]["open_violations"] > 0
    assert (known["lost"]["open_violations"], known["newcomer"]["open_violations"]) == (0, None)
    for name in ("held", "lost", "newcomer"):
        assert (known[name]["states"], known[name]["noncompliant_states"]) == (None, None)
        assert bool(known[name]["last_read"]) is (name != "newcomer")
    assert known["sound"]["noncompliant_states"] == 0
    people = run({**sandbox.environment, "COLUMNS": "300"}).stdout
    assert f"Compliant as of {known['lost']['last_read']}" in people
    registered = (await asyncio.to_thread(cli, "list", "--json")).document["applications"]
    words = {one["application_id"]: one["verdicts"] for one in registered}
    assert f"Compliant as of {known['lost']['last_read'][:10]}; unread since" in words[collected["lost"].application_id]
    assert words[collected["newcomer"].application_id].startswith("never read; unread since")
