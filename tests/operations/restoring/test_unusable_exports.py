"""An export that is damaged, half-written or of another schema is refused whole; `restore --list` says which hold."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from sandbox.faults.effects import Status
from sandbox.faults.operations import BlobRequest
from sandbox.local_azure import Sandbox
from sandbox.world.customers import Customer
from tests.operations.command_line import Cli
from tests.operations.restoring.conftest import LEDGER, REGISTRY, TODAY, Export, Storage

ACT = ("--reason", "deleted by mistake", "--yes")


def manifest_of(storage: Storage) -> dict[str, Any]:
    found = json.loads(storage.blob("manifest.json"))
    assert isinstance(found, dict)
    return found


def change_manifest(storage: Storage, **changes: Any) -> None:
    storage.put_blob("manifest.json", json.dumps(manifest_of(storage) | changes).encode())


def flip_a_bit(storage: Storage) -> None:
    content = bytearray(storage.blob("verdicts.jsonl.gz"))
    content[len(content) // 2] ^= 1
    storage.put_blob("verdicts.jsonl.gz", bytes(content))


def cut(storage: Storage) -> None:
    storage.put_blob("verdicts.jsonl.gz", storage.blob("verdicts.jsonl.gz")[:-20])


def empty(storage: Storage) -> None:
    storage.put_blob("verdicts.jsonl.gz", b"")


def forge(storage: Storage, content: bytes, **said: Any) -> None:
    """Put other content where the ledger's rows are, and let the manifest say that it is right."""
    storage.put_blob("verdicts.jsonl.gz", content)
    tables = manifest_of(storage)["tables"]
    tables[LEDGER] |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()} | said
    change_manifest(storage, tables=tables)


def say_another_number(storage: Storage) -> None:
    forge(storage, storage.blob("verdicts.jsonl.gz"), rows=6)


def forge_text(storage: Storage) -> None:
    forge(storage, gzip.compress(b"no row\n"), rows=1)


def forge_no_gzip(storage: Storage) -> None:
    forge(storage, b"no gzip at all")


def append_to_it(storage: Storage) -> None:
    forge(storage, storage.blob("verdicts.jsonl.gz") + b"more")


def inflate(storage: Storage) -> None:
    forge(storage, gzip.compress(b"x" * 50_000_000))


DAMAGES: dict[str, tuple[Callable[[Storage], None], str]] = {
    "a flipped bit": (flip_a_bit, "the blob of verdicts is damaged"),
    "a cut blob": (cut, "the blob of verdicts is damaged"),
    "an empty blob": (empty, "the blob of verdicts is damaged"),
    "a missing blob": (lambda storage: storage.delete_blob("verdicts.jsonl.gz"), "the blob of verdicts is missing"),
    "another number of rows": (say_another_number, "has 5 rows, and the manifest says 6"),
    "no rows": (forge_text, "line 1 of verdicts is damaged"),
    "no gzip": (forge_no_gzip, "the blob of verdicts is damaged"),
    "more behind it": (append_to_it, "does not end where an export ends"),
    "a line without an end": (inflate, "has a line that is too long"),
    "no manifest": (lambda storage: storage.delete_blob("manifest.json"), "never finished: it has no manifest"),
    "half a manifest": (
        lambda storage: storage.put_blob("manifest.json", storage.blob("manifest.json")[:100]),
        "its manifest is damaged",
    ),
    "a manifest that is too long": (
        lambda storage: storage.put_blob("manifest.json", b" " * 200_000),
        "it is too long",
    ),
    "a later schema": (lambda storage: change_manifest(storage, schema=2), "its schema is 2, and this version reads"),
    "another export's manifest": (
        lambda storage: change_manifest(storage, name="2020-01-01"),
        "that of another export",
    ),
    "a manifest without the ledger": (
        lambda storage: change_manifest(storage, tables={REGISTRY: manifest_of(storage)["tables"][REGISTRY]}),
        "its manifest lacks pending, verdicts",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_is_refused_whole_and_nothing_changes(
    cli: Cli, exported: list[Customer], storage: Storage, damage: str
) -> None:
    do, words = DAMAGES[damage]
    do(storage)
    storage.delete(REGISTRY, LEDGER)

    done = cli("restore", "--export", TODAY, "--table", REGISTRY, *ACT, "--json")

    assert done.status == 1
    assert words in done.document["error"]
    assert "Nothing is changed" in done.document["error"]
    assert (storage.rows(REGISTRY), storage.rows(LEDGER)) == ({}, {}), "although the registry's own blob may be whole"
    listed = cli("restore", "--list", "--json")
    [one] = listed.document["exports"]
    assert (listed.status, one["export"], one["holds"]) == (1, TODAY, False)
    assert words in one["problem"]


def test_the_list_has_every_export_with_its_counts(cli: Cli, exported: list[Customer], storage: Storage) -> None:
    for name in ("applications", "pending", "verdicts"):
        storage.exports.upload_blob(f"2020-01-01/{name}.jsonl.gz", storage.blob(f"{name}.jsonl.gz"))
    earlier = manifest_of(storage) | {"name": "2020-01-01"}
    storage.exports.upload_blob("2020-01-01/manifest.json", json.dumps(earlier))

    done = cli("restore", "--list", "--json")

    assert done.status == 0
    assert [(one["export"], one["holds"]) for one in done.document["exports"]] == [(TODAY, True), ("2020-01-01", True)]
    assert done.document["exports"][0]["rows"] == {"applications": 4, "pending": 0, "verdicts": 5}
    assert "holds" in cli("restore", "--list").words
    assert cli("restore", "--export", "2020-01-01", "--json").document["export"] == "2020-01-01"


def test_without_an_export_there_is_nothing_to_restore(cli: Cli, fleet: list[Customer]) -> None:
    done = cli("restore", *ACT)
    assert (done.status, "there is none yet" in done.words) == (1, True)
    done = cli("restore", "--list")
    assert (done.status, "There is no export yet." in done.words) == (1, True)


def test_an_export_that_cannot_be_reached_is_not_a_missing_one(
    cli: Cli, sandbox: Sandbox, exported: list[Customer]
) -> None:
    sandbox.faults.add(BlobRequest("GET", "exports"), Status(403))

    done = cli("restore", "--json")

    assert (done.status, done.document["error"].startswith("AuthorizationFailure")) == (1, True)


def test_who_begins_anew_says_why_and_is_asked(
    cli: Cli, sandbox: Sandbox, exported: list[Customer], storage: Storage, export: Export
) -> None:
    storage.delete(REGISTRY, LEDGER)
    assert cli("restore", "--begin-anew", "--yes").status == 2
    assert cli("restore", "--begin-anew", "--reason", "r").status == 2
    assert cli("restore", "--begin-anew", "--list").status == 2

    done = cli("restore", "--begin-anew", "--reason", "the product moved", "--yes", "--json")

    assert done.status == 0
    [event] = sandbox.workspace.query("ManagedApplicationEvents_CL | where Registry_action == 'BegunAnew'")
    assert (event["Person"], event["Reason"].startswith("the product moved (export ")) == ("ada", True)
    names = [one["export"] for one in cli("restore", "--list", "--json").document["exports"]]
    assert names == [done.document["export"], TODAY], "what there was stays, and is restored by its name"
    assert cli("restore", "--json").status == 0, "the latest has nothing to restore"
    assert cli("restore", "--export", TODAY, "--reason", "it was wrong", "--yes").status == 0
    assert len(storage.rows(REGISTRY)) == 4
