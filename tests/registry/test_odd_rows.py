"""Rows that are not as this version writes them: of the older sample, twice, malformed, or not readable in parts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from publisher.resource_ids import ApplicationId
from registry.managed_application import MalformedRow, ManagedApplication
from registry.registry import Registry
from registry.rows import identity_of
from tests.registry.conftest import RawTable
from tests.registry.stored import GONE, NOW, SUBSCRIPTION, application, listed, older_row


@pytest.mark.parametrize("partition", [SUBSCRIPTION, SUBSCRIPTION.upper()])
async def test_a_row_of_the_older_sample_is_read_refreshed_and_deleted_in_place(
    registry: Registry, table: RawTable, partition: str
) -> None:
    await table.put(partition, "App", **older_row("App", subscription=partition))
    assert await listed(registry) == [application("App", subscription=partition)]
    row = await registry.find(application("APP").application_id)
    assert row
    await registry.save(application("App", plan_version="2"), row)
    assert await listed(registry) == [application("App", plan_version="2")]
    row = await registry.find(application("App").application_id)
    assert row
    await registry.remove(identity_of(row), row, GONE)
    assert await listed(registry) == []
    (stored,) = await table.rows()
    assert (stored["PartitionKey"], stored["RowKey"], stored["mrg_name"]) == (partition, "App", "mrg-App")


async def test_the_older_samples_row_of_a_namesake_is_another_application(registry: Registry, table: RawTable) -> None:
    await table.put(SUBSCRIPTION, "app", **older_row(group="rg-1"))
    assert await registry.find(application(group="rg-2").application_id) is None
    await registry.save(application(group="rg-2"), None)
    assert {item.application_id for item in await listed(registry)} == {
        ApplicationId(SUBSCRIPTION, "rg-1", "app"),
        ApplicationId(SUBSCRIPTION, "rg-2", "app"),
    }


@pytest.mark.parametrize("name", ["app", "größe", "日本"])  # row keys before and after ours
async def test_an_application_with_several_rows_is_yielded_once(registry: Registry, table: RawTable, name: str) -> None:
    await registry.save(application(name, plan_version="ours"), None)
    for partition in (SUBSCRIPTION, SUBSCRIPTION.upper()):
        await table.put(partition, name, **older_row(name, subscription=partition))
    await table.put(SUBSCRIPTION, name.upper(), **older_row(name))
    assert await listed(registry) == [application(name, plan_version="ours")]
    row = await registry.find(application(name).application_id)
    assert row
    await registry.remove(identity_of(row), row, GONE)
    assert await listed(registry) == []


async def test_older_rows_in_two_casings_are_one_application(registry: Registry, table: RawTable) -> None:
    for partition in (SUBSCRIPTION, SUBSCRIPTION.upper()):
        await table.put(partition, "app", **older_row(subscription=partition))
    assert await listed(registry) == [application()]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"mrg_name": None}, "mrg_name is missing"),
        ({"mrg_name": ""}, "mrg_name is empty"),
        ({"mrg_name": 7}, "mrg_name is not text"),
        ({"mrg_name": "a/b"}, "managed resource group"),
        ({"mrg_name": "not allowed!"}, "managed resource group"),
        ({"app_name": None}, "app_name is missing"),
        ({"app_name": True}, "app_name is not text"),
        ({"app_resource_group_name": 1.5}, "app_resource_group_name is not text"),
        ({"subscription_id": "nobody's"}, "the subscription id is not a GUID"),
        ({"subscription_id": None}, "subscription_id is missing"),
        ({"application_id": "nonsense"}, "not the id of a managed application"),
        ({"application_id": b"bytes"}, "application_id is not text"),
        ({"status": "paused"}, "status is 'paused'"),
        ({"status": 0}, "status is '0'"),
    ],
)
async def test_a_malformed_row_is_told_and_the_others_are_read(
    registry: Registry, table: RawTable, changes: dict[str, Any], reason: str
) -> None:
    row = {name: value for name, value in (older_row("bad") | changes).items() if value is not None}
    await table.put(SUBSCRIPTION, "bad", **row)
    await table.put(SUBSCRIPTION, "good", **older_row("good"))
    first, second = sorted(await listed(registry), key=lambda item: isinstance(item, ManagedApplication))
    assert isinstance(first, MalformedRow)
    assert first.name == f"{SUBSCRIPTION}/bad"
    assert reason in first.reason
    assert second == application("good")


async def test_a_malformed_row_says_whose_it_is_when_it_can(registry: Registry, table: RawTable) -> None:
    await table.put(SUBSCRIPTION, "app", **older_row() | {"mrg_name": ""})
    (row,) = await listed(registry)
    assert isinstance(row, MalformedRow)
    assert row.application_id == application().application_id
    assert row.subscription_id == SUBSCRIPTION
    found = await registry.find(application().application_id)
    await registry.save(application(), found)
    assert await listed(registry) == [application()]


async def test_a_row_under_our_key_that_is_about_another_application_is_malformed(
    registry: Registry, table: RawTable
) -> None:
    await table.put(SUBSCRIPTION, "|rg|other", **older_row())
    (row,) = await listed(registry)
    assert isinstance(row, MalformedRow)
    assert "keys belong to another application" in row.reason


async def test_what_only_describes_is_read_as_far_as_possible(registry: Registry, table: RawTable) -> None:
    await table.put(
        SUBSCRIPTION,
        "app",
        **older_row() | {"subscription_id": UUID(SUBSCRIPTION)},  # type: ignore[dict-item]
        customer_name=4711,
        plan_version=1.5,
        location=True,
        kind=b"bytes",
        event_time="yesterday",
        refreshed_at=NOW,
        assignments="[{",
        unknown="kept",
    )
    (read,) = await listed(registry)
    assert read == application(customer_name="4711", plan_version="1.5", location="True", refreshed_at=NOW)


@pytest.mark.parametrize(
    "text",
    ["", "[{", "null", "{}", "[1]", '[{"id": "/a"}]', '[{"id": 1, "display_name": "", "definition_id": "", "definition_display_name": ""}]',
     '[{"id": "", "display_name": "", "definition_id": "", "definition_display_name": ""}]', "7"],
)  # fmt: skip
async def test_assignments_that_cannot_be_read_are_unknown_and_not_none(
    registry: Registry, table: RawTable, text: str
) -> None:
    await table.put(SUBSCRIPTION, "app", **older_row(), assignments=text)
    (read,) = await listed(registry)
    assert isinstance(read, ManagedApplication)
    assert read.assignments is None
