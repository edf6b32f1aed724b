"""The day's export: what it has, how it fails, and what is told of it."""

from __future__ import annotations

import gzip
import hashlib
import json
import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.storage.blob.aio import ContainerClient

from publisher.resource_ids import ApplicationId
from publisher.settings import PublicationSettings
from sandbox.faults.effects import AnswerLost, CutHalfWay, Dropped, Effect, Status
from sandbox.faults.operations import BlobRequest, TableRequest, Upload
from sandbox.local_azure import Sandbox
from tests.registry.conftest import RawTable
from tests.verdicts.conftest import LedgerRows
from tests.verdicts.exports.conftest import Export
from tests.verdicts.remembered import NOW, assignment, remembered
from verdicts.control import RunRecord, Snooze
from verdicts.exports.daily import ExportFailed
from verdicts.exports.manifest import Manifest
from verdicts.exports.store import CONTAINER, ExportStore, rows_in
from verdicts.guard.declared import Declared
from verdicts.ledger import Ledger
from verdicts.stored.control_rows import CONTROL_PARTITION, declared_key

EVENTS = "ManagedApplicationEvents_CL"
TODAY = datetime(2026, 11, 27, 0, 27, tzinfo=UTC)
LIVING: dict[str, Any] = {"status": "active", "application_id": "x"}
TOMBSTONE: dict[str, Any] = {"status": "deleted"}
FACTS = remembered(assignment("baseline", "one", "two"))


def told(sandbox: Sandbox) -> list[tuple[str, str]]:
    rows = sandbox.workspace.query(f"{EVENTS} | where Event_type == 'Export' | order by TimeGenerated asc")
    return [(row["Registry_action"], row["Error_code"] or row["Reason"]) for row in rows]


async def blobs(settings: PublicationSettings) -> dict[str, bytes]:
    connection = settings.storage.connection_string or ""
    async with ContainerClient.from_connection_string(connection, CONTAINER) as container:
        if not await container.exists():
            return {}
        names = [name async for name in container.list_blob_names()]
        return {name: await (await container.download_blob(name)).readall() for name in names}


async def overwrite(settings: PublicationSettings, name: str, content: bytes) -> None:
    connection = settings.storage.connection_string or ""
    async with ContainerClient.from_connection_string(connection, CONTAINER) as container:
        await container.upload_blob(name, content, overwrite=True)


@pytest.fixture
async def filled(registry_rows: RawTable, ledger: Ledger) -> RawTable:
    """The registry's table, with an application and a tombstone; the ledger has three rows."""
    await registry_rows.put("p", "r1", **LIVING)
    await registry_rows.put("p", "r2", **TOMBSTONE)
    await ledger.write(FACTS, replacing=None)
    await ledger.snooze(Snooze("standard", "2.0.0", NOW, "ada", "region move"))
    await ledger.note_run(RunRecord("run", NOW, 1))
    return registry_rows


async def test_every_row_is_in_the_export_and_the_manifest_says_how_many(
    sandbox: Sandbox,
    publication: PublicationSettings,
    filled: RawTable,
    export_now: Export,
) -> None:
    manifest = await export_now(TODAY)

    assert manifest is not None
    assert (manifest.schema, manifest.name, manifest.version) == (1, "2026-11-27", "1.2.3")
    assert manifest.began_at == manifest.ended_at == "2026-11-27T00:27:00.000Z"
    counts = {kind: (one.table, one.rows, one.living) for kind, one in manifest.tables.items()}
    assert counts == {
        "applications": ("applications", 2, 1),
        "pending": ("pending", 0, 0),
        "verdicts": ("verdicts", 3, 2),
    }
    stored = await blobs(publication)
    assert set(stored) == {f"2026-11-27/{kind}.jsonl.gz" for kind in counts} | {"2026-11-27/manifest.json"}
    for kind, one in manifest.tables.items():
        content = stored[f"2026-11-27/{kind}.jsonl.gz"]
        assert (len(content), hashlib.sha256(content).hexdigest()) == (one.bytes, one.sha256)
    lines = [json.loads(line) for line in gzip.decompress(stored["2026-11-27/verdicts.jsonl.gz"]).splitlines()]
    assert [one["keys"][0] for one in lines][-2:] == ["~control", "~control"], "the ledger's control rows as well"
    assert told(sandbox) == [("Exported", "2026-11-27: applications: 2 rows, pending: 0 rows, verdicts: 3 rows")]


async def test_the_second_invocation_of_a_day_does_nothing_and_the_next_day_has_its_own(
    sandbox: Sandbox, filled: RawTable, export_now: Export, store: ExportStore
) -> None:
    assert await export_now(TODAY) is not None
    assert await export_now(TODAY + timedelta(hours=1)) is None
    assert await export_now(TODAY + timedelta(days=1)) is not None

    assert await store.names() == (["2026-11-27", "2026-11-28"], [])
    assert len(told(sandbox)) == 2


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("effect", [Status(403), Dropped(), Status(503)])
@pytest.mark.parametrize("method", ["PUT", "GET"])
async def test_an_export_that_cannot_be_stored_is_told_and_is_none_and_the_next_hour_makes_it(
    sandbox: Sandbox,
    export_now: Export,
    store: ExportStore,
    effect: Effect,
    method: str,
) -> None:
    fault = sandbox.faults.add(BlobRequest(method, CONTAINER), effect)
    with pytest.raises(ExportFailed):
        await export_now(TODAY)
    [(action, code)] = told(sandbox)
    assert (action, bool(code)) == ("ExportFailed", True)

    sandbox.faults.remove(fault)
    assert (await store.names())[0] == []
    assert await export_now(TODAY + timedelta(hours=1)) is not None
    assert [action for action, _ in told(sandbox)] == ["ExportFailed", "Exported"]


@pytest.mark.parametrize("after", [1, 2, 3, 4, 5, 6, 7])
async def test_an_export_that_breaks_off_anywhere_before_its_manifest_is_none(
    sandbox: Sandbox, filled: RawTable, export_now: Export, store: ExportStore, after: int
) -> None:
    """Two requests for each blob, and the last two are the manifest's; the container is made before."""
    await export_now(TODAY - timedelta(days=1))
    sandbox.faults.add(BlobRequest("PUT", CONTAINER), Status(403), after=after)

    with pytest.raises(ExportFailed):
        await export_now(TODAY)

    latest = await store.latest()
    assert latest is not None
    assert latest.name == "2026-11-26"


@pytest.mark.parametrize("effect", [AnswerLost(), Status(500), CutHalfWay(), Dropped()])
async def test_an_export_survives_what_passes(
    sandbox: Sandbox,
    filled: RawTable,
    export_now: Export,
    store: ExportStore,
    effect: Effect,
) -> None:
    for after in (0, 3, 6):
        sandbox.faults.add(BlobRequest("PUT"), effect, times=1, after=after)

    manifest = await export_now(TODAY)

    assert manifest is not None
    for file in (await store.fetched(manifest)).values():
        file.close()


async def test_a_table_that_cannot_be_read_is_never_an_empty_one(
    sandbox: Sandbox, filled: RawTable, export_now: Export, store: ExportStore
) -> None:
    sandbox.faults.add(TableRequest("GET", "verdicts"), Status(403))

    with pytest.raises(ExportFailed, match="AuthorizationFailure"):
        await export_now(TODAY)

    assert await store.names() == ([], []), "nothing is stored before everything was read"


async def test_an_export_that_could_not_be_told_fails_the_invocation(
    sandbox: Sandbox, filled: RawTable, export_now: Export
) -> None:
    sandbox.faults.add(Upload("Custom-ManagedApplicationEvents_CL"), Status(403))

    with pytest.raises(ExportFailed, match="is made, and 1 event rows were not stored"):
        await export_now(TODAY)


async def test_tables_that_were_emptied_are_not_exported_over_what_is_known(
    sandbox: Sandbox, filled: RawTable, export_now: Export, store: ExportStore
) -> None:
    await filled.put("p", "r3", **LIVING)
    await export_now(TODAY)
    await filled.delete_table()

    with pytest.raises(
        ExportFailed, match="rows of the registry were lost: it has 0 rows, and the export 2026-11-27 has 2"
    ):
        await export_now(TODAY + timedelta(days=1))

    assert told(sandbox)[-1] == ("ExportFailed", "RowsLost")
    assert await store.names() == (["2026-11-27"], [])


async def test_rows_that_newcomers_outnumber_are_missed_all_the_same(
    registry_rows: RawTable, ledger: Ledger, ledger_rows: LedgerRows, export_now: Export, store: ExportStore
) -> None:
    identity = ApplicationId.parse(FACTS.application_id)
    registered = LIVING | {"application_id": FACTS.application_id}
    await registry_rows.put("p", "r1", **LIVING)
    await registry_rows.put(identity.partition_key, identity.row_key, **registered)
    await ledger.write(FACTS, replacing=None)
    await ledger.note_run(RunRecord("run", NOW, 1))
    await export_now(TODAY)
    entry = await ledger.find(identity)
    assert entry is not None
    await ledger.forget(entry)
    await ledger.write(remembered(name="newcomer"), replacing=None)
    with pytest.raises(ExportFailed, match=r"rows of the ledger were lost: it has 1 rows fewer.*app"):
        await export_now(TODAY + timedelta(days=1))

    await ledger.write(FACTS, replacing=None)
    await registry_rows.delete("p", "r1")
    await registry_rows.put("p", "r2", **LIVING)
    await registry_rows.put("p", "r3", **LIVING)
    with pytest.raises(ExportFailed, match=r"rows of the registry were lost: it has 1 rows fewer.*p/r1"):
        await export_now(TODAY + timedelta(days=2))
    assert (await store.names())[0] == ["2026-11-27"]


async def test_a_declared_baseline_that_is_gone_was_lost_and_a_snooze_ends_by_itself(
    registry_rows: RawTable, ledger: Ledger, ledger_rows: LedgerRows, export_now: Export
) -> None:
    await registry_rows.put("p", "r1", **LIVING)
    await ledger.write(FACTS, replacing=None)
    await ledger.snooze(Snooze("standard", "2.0.0", NOW, "ada", "region move"))
    await ledger.note_run(RunRecord("run", NOW, 1))
    declared = Declared("plan\n2.0.0", {}, NOW, "ada", "as delivered")
    await ledger.declare(declared)
    await export_now(TODAY)
    assert await ledger.end_snooze("standard", "2.0.0")
    assert await export_now(TODAY + timedelta(days=1)) is not None

    await ledger_rows.delete(CONTROL_PARTITION, declared_key(declared.plan))
    with pytest.raises(ExportFailed, match="rows of the ledger were lost"):
        await export_now(TODAY + timedelta(days=2))
    await ledger.declare(declared)
    assert await export_now(TODAY + timedelta(days=2)) is not None


async def test_a_ledger_that_was_emptied_is_lost_and_one_that_forgot_whoever_left_is_not(
    registry_rows: RawTable, ledger: Ledger, ledger_rows: LedgerRows, export_now: Export
) -> None:
    await registry_rows.put("p", "r1", **LIVING)
    await ledger.write(FACTS, replacing=None)
    await ledger.note_run(RunRecord("run", NOW, 1))
    await export_now(TODAY)
    entry = await ledger.find(ApplicationId.parse(FACTS.application_id))
    assert entry is not None
    await ledger.forget(entry)
    assert await export_now(TODAY + timedelta(days=1)) is not None, "it has the record of a run"

    await ledger.write(FACTS, replacing=None)
    await export_now(TODAY + timedelta(days=2))
    await ledger_rows.delete_table()
    with pytest.raises(ExportFailed, match="rows of the ledger were lost"):
        await export_now(TODAY + timedelta(days=3))


async def test_tombstones_stand_for_whoever_left(filled: RawTable, export_now: Export) -> None:
    await export_now(TODAY)
    await filled.put("p", "r1", **TOMBSTONE)

    assert await export_now(TODAY + timedelta(days=1)) is not None


async def test_a_latest_export_that_cannot_be_compared_with_is_told(
    sandbox: Sandbox, publication: PublicationSettings, filled: RawTable, export_now: Export
) -> None:
    await export_now(TODAY)
    await overwrite(publication, "2026-11-27/manifest.json", b"{")

    with pytest.raises(ExportFailed, match="its manifest is damaged"):
        await export_now(TODAY + timedelta(days=1))

    assert told(sandbox)[-1] == ("ExportFailed", "UnusableExport")


async def test_memory_does_not_grow_with_the_fleet(
    publication: PublicationSettings, registry_rows: RawTable, export_now: Export, store: ExportStore
) -> None:
    async def peak(day: int) -> int:
        tracemalloc.reset_peak()
        assert await export_now(TODAY + timedelta(days=day)) is not None
        return tracemalloc.get_traced_memory()[1]

    noise = "".join(chr(0x4E00 + number % 20000) for number in range(5000))
    await registry_rows.put_all("p0", {f"r{number}": {"text": noise, **LIVING} for number in range(90)})
    await export_now(TODAY)
    tracemalloc.start()
    try:
        small = await peak(1)
        for part in range(1, 16):
            await registry_rows.put_all(f"p{part}", {f"r{number}": {"text": noise, **LIVING} for number in range(90)})
        tracemalloc.reset_peak()
        large = await peak(2)
    finally:
        tracemalloc.stop()

    manifest = await store.latest()
    assert isinstance(manifest, Manifest)
    assert manifest.tables["applications"].rows == 16 * 90
    assert large < 3 * small + 4_000_000, f"{small} bytes for 90 rows, {large} for sixteen times as many"


async def test_the_rows_of_an_export_are_read_line_by_line(
    publication: PublicationSettings, filled: RawTable, export_now: Export, store: ExportStore
) -> None:
    manifest = await export_now(TODAY)
    assert manifest is not None
    files = await store.fetched(manifest)

    assert [row.row_key for row in rows_in(files["applications"], "applications")] == ["r1", "r2"]
    assert [row.row_key for row in rows_in(files["applications"], "applications")] == ["r1", "r2"], (
        "again from its start"
    )
    for file in files.values():
        file.close()
