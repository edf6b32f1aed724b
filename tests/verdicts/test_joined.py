"""The registry and the ledger in step, over real table storage: each application once, with what is remembered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from publisher.errors.kinds import AccessDenied, NotFound
from publisher.resource_ids import ApplicationId, ResourceGroupId
from publisher.retry import Patience
from publisher.settings import ReconcileSettings
from publisher.table import KeyRange
from registry.managed_application import MalformedRow, ManagedApplication, Removal
from registry.registry import Registry
from sandbox.faults.effects import Status
from sandbox.faults.operations import TableRequest
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from tests.registry.conftest import RawTable
from tests.verdicts.conftest import LedgerRows
from tests.verdicts.remembered import NOW, SUBSCRIPTION, assignment, identity, remembered
from verdicts.facts import ApplicationFacts
from verdicts.joined import Pair, joined
from verdicts.ledger import LEDGER_TABLE, Entry, Ledger, UnreadableEntry
from verdicts.stored.application_rows import properties_of

FIRST, MIDDLE, LAST = (f"{letter * 8}-0000-4000-8000-000000000000" for letter in "5bf")
"""Subscriptions around SUBSCRIPTION, in the order of the table; their upper-case forms sort before all with letters."""

GONE = Removal(NOW, confirmed=True, by="Azure", reason="Azure Resource Manager says ResourceNotFound")
pytestmark = pytest.mark.usefixtures("registry_rows")


async def register(registry: Registry, name: str = "app", subscription: str = SUBSCRIPTION) -> None:
    group = ResourceGroupId(subscription, f"mrg-{name}")
    await registry.save(ManagedApplication(identity(name, subscription), group, subscription), None)


async def remember(ledger: Ledger, name: str = "app", subscription: str = SUBSCRIPTION) -> ApplicationFacts:
    facts = remembered(assignment("baseline", "one"), name=name, subscription=subscription)
    await ledger.write(facts, replacing=None)
    return facts


def older_row(name: str = "app", subscription: str = SUBSCRIPTION, **changes: Any) -> dict[str, Any]:
    row = {"subscription_id": subscription, "app_resource_group_name": "rg", "app_name": name, "mrg_name": f"m-{name}"}
    return {key: value for key, value in (row | changes).items() if value is not None}


async def pairs(registry: Registry, ledger: Ledger, **options: Any) -> list[Pair]:
    return [pair async for pair in joined(registry, ledger, **options)]


def told(found: list[Pair]) -> list[tuple[str, str, str]]:
    """For each pair, in order, the name of the application in the registry and in the ledger, and who removed it."""
    return [
        (_registered(pair.application), _remembered(pair.entry), pair.removal.by if pair.removal else "")
        for pair in found
    ]


def _registered(application: ManagedApplication | MalformedRow | None) -> str:
    if application is None or application.application_id is None:
        return "" if application is None else f"malformed {application.name}"
    kind = "malformed " if isinstance(application, MalformedRow) else ""
    return kind + application.application_id.name


def _remembered(entry: Entry | UnreadableEntry | None) -> str:
    if isinstance(entry, UnreadableEntry):
        return f"unreadable {entry.application_id.rpartition('/')[2]}"
    return entry.facts.application_name if entry else ""


async def test_each_application_comes_with_its_own_entry(registry: Registry, ledger: Ledger) -> None:
    for subscription in (FIRST, SUBSCRIPTION, LAST):
        for name in ("a", "b", "new"):
            await register(registry, name, subscription)
        for name in ("a", "b", "lost"):
            await remember(ledger, name, subscription)
    await remember(ledger, "alone", MIDDLE)
    one = [("a", "a", ""), ("b", "b", ""), ("new", "", ""), ("", "lost", "")]
    found = await pairs(registry, ledger)
    assert told(found) == [*one, *one, ("", "alone", ""), *one]
    assert all(
        pair.application.application_id == ApplicationId.parse(pair.entry.facts.application_id)
        for pair in found
        if pair.application is not None and isinstance(pair.entry, Entry)
    )


async def test_a_ledger_that_does_not_exist_is_one_that_remembers_nothing(registry: Registry, ledger: Ledger) -> None:
    await register(registry)
    assert told(await pairs(registry, ledger)) == [("app", "", "")]


@pytest.mark.usefixtures("ledger_rows")
async def test_an_empty_registry_leaves_everything_that_is_remembered(registry: Registry, ledger: Ledger) -> None:
    for subscription in (FIRST, LAST):
        await remember(ledger, "app", subscription)
    assert told(await pairs(registry, ledger)) == [("", "app", ""), ("", "app", "")]


async def test_ranges_together_are_the_whole_and_leave_out_nothing_that_only_the_ledger_has(
    registry: Registry, ledger: Ledger
) -> None:
    for subscription in (FIRST, LAST):
        await register(registry, "app", subscription)
        await remember(ledger, "app", subscription)
    for subscription in ("0" * 8 + FIRST[8:], MIDDLE, "ffffffff-ffff-4000-8000-000000000000"):
        await remember(ledger, "alone", subscription)
    ranges = [KeyRange("", FIRST), KeyRange(FIRST, MIDDLE), KeyRange(MIDDLE, LAST), KeyRange(LAST)]
    parts = [told(await pairs(registry, ledger, within=one)) for one in ranges]
    alone, both = ("", "alone", ""), ("app", "app", "")
    assert parts == [[alone], [both], [alone], [both, alone]]
    assert [one for part in parts for one in part] == told(await pairs(registry, ledger))


async def test_a_tombstone_comes_as_the_removal_it_tells_of(registry: Registry, ledger: Ledger) -> None:
    await register(registry, "other")
    for name, removal in (
        ("a", GONE),
        ("b", replace(GONE, by="ada", reason="left us")),
        ("c", replace(GONE, confirmed=False)),
    ):
        await register(registry, name)
        await remember(ledger, name)
        await registry.remove(identity(name), await registry.find(identity(name)), removal)
    found = await pairs(registry, ledger)
    assert told(found) == [("other", "", ""), ("", "a", "Azure"), ("", "b", "ada"), ("", "c", "Azure")]
    assert [pair.removal.confirmed for pair in found if pair.removal] == [True, True, False]
    assert found[1].removal == GONE
    for name in "abc":
        (one,) = await pairs(registry, ledger, only=identity(name))
        assert one in found


async def test_a_tombstone_that_nobody_remembers_is_nobody(registry: Registry, ledger: Ledger) -> None:
    await register(registry)
    await registry.remove(identity(), await registry.find(identity()), GONE)
    assert await pairs(registry, ledger) == []
    assert await pairs(registry, ledger, only=identity()) == []


@pytest.mark.parametrize("partition", [SUBSCRIPTION, SUBSCRIPTION.upper()])
@pytest.mark.parametrize("named", [SUBSCRIPTION, SUBSCRIPTION.upper()])
async def test_a_row_of_the_older_sample_finds_what_is_remembered(
    registry: Registry, ledger: Ledger, registry_rows: RawTable, partition: str, named: str
) -> None:
    await registry_rows.put(partition, "app", **older_row(subscription=named))
    await registry_rows.put(FIRST, "first", **older_row("first", FIRST))
    await remember(ledger)
    await remember(ledger, "first", FIRST)
    found = await pairs(registry, ledger)
    assert sorted(told(found)) == [("app", "app", ""), ("first", "first", "")]
    assert told(await pairs(registry, ledger, only=identity())) == [("app", "app", "")]
    shards = [told(await pairs(registry, ledger, within=one)) for one in (KeyRange("", "a"), KeyRange("a"))]
    assert sorted(one for shard in shards for one in shard) == [("app", "app", ""), ("first", "first", "")]


async def test_a_tombstone_of_the_older_sample_is_found(
    registry: Registry, ledger: Ledger, registry_rows: RawTable
) -> None:
    deleted = {"status": "deleted", "deleted_at": "2026-01-01T00:00:00Z", "confirmed": True, "removed_by": "Azure"}
    await registry_rows.put(SUBSCRIPTION.upper(), "app", **older_row(), **deleted)
    await remember(ledger)
    assert told(await pairs(registry, ledger)) == [("", "app", "Azure")]


async def test_an_application_with_rows_of_both_kinds_comes_once(
    registry: Registry, ledger: Ledger, registry_rows: RawTable
) -> None:
    await register(registry)
    for partition in (SUBSCRIPTION, SUBSCRIPTION.upper()):
        await registry_rows.put(partition, "app", **older_row())
    await remember(ledger)
    assert told(await pairs(registry, ledger)) == [("app", "app", "")]


async def test_its_tombstone_counts_more_than_the_older_samples_row(
    registry: Registry, ledger: Ledger, registry_rows: RawTable
) -> None:
    await register(registry)
    await registry.remove(identity(), await registry.find(identity()), GONE)
    await registry_rows.put(SUBSCRIPTION, "app", **older_row())
    await remember(ledger)
    assert told(await pairs(registry, ledger)) == [("", "app", "Azure")]


@pytest.mark.parametrize(
    "damage",
    [
        {"mrg_name": None},
        {"mrg_name": "not allowed!"},
        {"status": "paused"},
        {"app_name": None},
        {"app_name": "somebody-else"},
        {"subscription_id": "nobody's"},
        {"application_id": "nonsense"},
        {"application_id": b"bytes"},
    ],
)
async def test_a_malformed_row_under_its_own_keys_comes_with_what_is_remembered(
    registry: Registry, ledger: Ledger, registry_rows: RawTable, damage: dict[str, Any]
) -> None:
    await registry_rows.put(SUBSCRIPTION, "|rg|app", **older_row(**damage))
    await registry_rows.put(SUBSCRIPTION, "app", **older_row())  # the same application once more
    facts = await remember(ledger)
    for found in (await pairs(registry, ledger), await pairs(registry, ledger, only=identity())):
        (pair,) = found
        assert told(found) == [("malformed app", "app", "")]
        assert pair.application is not None
        assert pair.application.application_id == ApplicationId.parse(facts.application_id)


async def test_a_malformed_row_of_the_older_sample_comes_with_what_is_remembered_when_it_says_whose(
    registry: Registry, ledger: Ledger, registry_rows: RawTable
) -> None:
    await registry_rows.put(SUBSCRIPTION.upper(), "a", **older_row("a", mrg_name=""))
    await registry_rows.put(SUBSCRIPTION, "b", **older_row("b", mrg_name=""))
    await registry_rows.put(SUBSCRIPTION, "c", **older_row("c", app_name=None))
    for name in "abc":
        await remember(ledger, name)
    assert sorted(told(await pairs(registry, ledger))) == [
        ("", "c", ""),
        ("malformed a", "a", ""),
        (f"malformed {SUBSCRIPTION}/c", "", ""),
        ("malformed b", "b", ""),
    ]


@pytest.mark.parametrize("named", [str(identity()), None, "nonsense", str(identity("other"))])
@pytest.mark.parametrize("older", [False, True])
async def test_an_unreadable_entry_comes_with_its_application(
    registry: Registry,
    ledger: Ledger,
    registry_rows: RawTable,
    ledger_rows: LedgerRows,
    named: str | None,
    *,
    older: bool,
) -> None:
    if older:
        await registry_rows.put(SUBSCRIPTION.upper(), "app", **older_row())
    else:
        await register(registry)
    await register(registry, "other")
    await remember(ledger)
    await ledger_rows.damage(remembered(), form=2, application_id=named)
    assert sorted(told(await pairs(registry, ledger))) == [("app", "unreadable app", ""), ("other", "", "")]


async def test_an_unreadable_entry_of_an_application_that_is_not_registered_is_told(
    registry: Registry, ledger: Ledger, ledger_rows: LedgerRows
) -> None:
    for name in ("vanished", "left"):
        await remember(ledger, name)
        await ledger_rows.damage(remembered(name=name), form=2)
    await registry.remove(identity("left"), None, GONE)
    found = [("", "unreadable left", "Azure"), ("", "unreadable vanished", "")]
    assert told(await pairs(registry, ledger)) == found
    assert told(await pairs(registry, ledger, only=identity("left"))) == found[:1]


async def test_entries_under_keys_of_no_application_are_told_each(
    registry: Registry, ledger: Ledger, ledger_rows: LedgerRows
) -> None:
    await register(registry)
    await ledger_rows.put(SUBSCRIPTION.upper(), "|rg|app", **properties_of(remembered()))
    await ledger_rows.put(SUBSCRIPTION, "app", **properties_of(remembered()))
    assert sorted(told(await pairs(registry, ledger))) == [
        ("", "unreadable app", ""),
        ("", "unreadable |rg|app", ""),
        ("app", "", ""),
    ]


async def test_what_is_registered_while_the_tables_are_read_does_not_count_as_vanished(
    registry: Registry, ledger: Ledger
) -> None:
    await register(registry, "a", FIRST)
    await register(registry, "b", LAST)
    await remember(ledger, "meanwhile", MIDDLE)
    found = []
    async for pair in joined(registry, ledger):
        found.append(pair)
        if len(found) == 1:
            await register(registry, "meanwhile", MIDDLE)
    assert told(found) == [("a", "", ""), ("b", "", "")]


async def test_one_application_alone(registry: Registry, ledger: Ledger) -> None:
    await register(registry, "both")
    await register(registry, "new")
    for name in ("both", "lost"):
        await remember(ledger, name)
    assert told(await pairs(registry, ledger, only=identity("both"))) == [("both", "both", "")]
    assert told(await pairs(registry, ledger, only=identity("new"))) == [("new", "", "")]
    assert told(await pairs(registry, ledger, only=identity("lost"))) == [("", "lost", "")]
    assert await pairs(registry, ledger, only=identity("nobody")) == []


@pytest.mark.parametrize("table", ["registry", "ledger"])
async def test_a_table_that_cannot_be_read_ends_the_stream(
    sandbox: Sandbox, settings: ReconcileSettings, registry: Registry, ledger: Ledger, table: str
) -> None:
    await register(registry)
    await remember(ledger)
    sandbox.faults.add(TableRequest("GET", LEDGER_TABLE if table == "ledger" else settings.table_name), Status(403))
    with pytest.raises(AccessDenied, match=f"{table} table"):
        await pairs(registry, ledger)


async def test_a_vanished_application_that_cannot_be_looked_up_ends_the_stream(
    sandbox: Sandbox, settings: ReconcileSettings, ledger: Ledger
) -> None:
    await remember(ledger)
    async with Registry(settings, patience=Patience(1)) as registry:
        sandbox.faults.add(TableRequest("GET", settings.table_name), Status(403), after=1)
        with pytest.raises(AccessDenied):
            await pairs(registry, ledger)


async def test_a_registry_that_does_not_exist_is_no_empty_one(
    sandbox: Sandbox, settings: ReconcileSettings, ledger: Ledger
) -> None:
    await remember(ledger)
    async with Registry(replace(settings, table_name="misspelt")) as registry:
        with pytest.raises(NotFound, match="misspelt"):
            await pairs(registry, ledger)


async def test_a_fleet_that_stands_still_is_one_list_of_each_table(
    sandbox: Sandbox, registry: Registry, ledger: Ledger
) -> None:
    for number in range(30):
        subscription = f"{number:08}-0000-4000-8000-000000000000"
        await register(registry, "app", subscription)
        await remember(ledger, "app", subscription)
    sandbox.requests.clear()
    assert told(await pairs(registry, ledger)) == [("app", "app", "")] * 30
    assert [call.method for call in sandbox.requests.of(Service.TABLES)] == ["GET", "GET"]
