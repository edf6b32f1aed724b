"""Copies registry and ledger from the storage account of the single app, now the front's, to the worker's.

`python -m infra.upgrade.copy_tables SOURCE TARGET` with the names of both accounts, signed in with `az login`, with the
packages of requirements.txt. Run it after the templates were deployed and before the code is: then nobody writes either
table. It can be repeated: a row that is there already is left as it is. Exit status 1 when a row was not copied.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.data.tables.aio import TableClient
from azure.identity.aio import AzureCliCredential

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from azure.data.tables import TableEntity

TABLES: Final = ("applications", "verdicts")
"""The registry and the ledger. Records of runs are of no use to the new app, and expire."""

_KEYS: Final = ("PartitionKey", "RowKey")
_OF_STORAGE: Final = ("x-ms-request-id", "x-ms-version", "x-ms-error-code")
"""Headers of which every answer of storage has one (its REST reference: "Query Entities", "Insert Entity")."""

_IS_THERE: Final = "EntityAlreadyExists"
_PASSING: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
_AT_ONCE: Final = 16
_SHOWN_EVERY: Final = 1000


class NotCopied(Exception):  # noqa: N818 - named for what happened
    """A table was not copied as a whole; the message says which, and what to do."""


@dataclass(slots=True)
class Copied:
    """How many rows of a table were copied, and how many were there already."""

    table: str
    copied: int = 0
    there: int = 0

    def __str__(self) -> str:
        return f"{self.table}: {self.copied} rows copied, {self.there} were there already"


async def copy_table(source: TableClient, target: TableClient, show: Callable[[str], None]) -> Copied:
    """Copy the rows that the target lacks, and return how many; raise NotCopied.

    Rows are read page by page, and the values keep their types.
    """
    done = Copied(source.table_name)
    rows = _rows(source)
    turn = asyncio.Lock()

    async def next_row() -> TableEntity | None:
        async with turn:  # an asynchronous generator serves one at a time
            return await anext(rows, None)

    async def work() -> None:
        while (row := await next_row()) is not None:
            if await _is_created(target, row):
                done.copied += 1
            else:
                done.there += 1
            if (done.copied + done.there) % _SHOWN_EVERY == 0:
                show(f"{done} ...")

    try:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(_AT_ONCE):
                tasks.create_task(work())
    except* NotCopied as failures:
        raise NotCopied(f"{source.table_name}: {_first(failures)}. Repeat it") from None
    except* ResourceNotFoundError as failures:
        raise NotCopied(
            f"{source.table_name}: {_first(failures)}; both tables must be there: deploy the templates first"
        ) from failures
    except* AzureError as failures:
        raise NotCopied(
            f"{source.table_name}: {_first(failures)}; you need Storage Table Data Reader on the old account and "
            "Storage Table Data Contributor on the new one, and in private mode a machine inside the network. Repeat it"
        ) from failures
    return done


async def _rows(source: TableClient) -> AsyncIterator[TableEntity]:
    pages = source.list_entities(results_per_page=200, raw_response_hook=_refuse_strangers).by_page()
    async for page in pages:
        async for row in page:
            yield row


async def _is_created(target: TableClient, row: TableEntity) -> bool:
    """Store a row; return False when there is one with its keys."""
    try:
        await target.create_entity(row, raw_response_hook=_refuse_strangers)
    except ResourceExistsError as failure:
        answer = failure.response
        if answer is None or _IS_THERE not in (answer.headers.get("x-ms-error-code") or answer.text()):
            raise
        return False
    return True


def _refuse_strangers(response: Any) -> None:
    """Raise NotCopied for what a gateway or proxy answers in place of storage, and for a read that has no rows.

    The SDK takes an XML page for a table without rows, and any 409 for a row that is there. What it repeats is left to
    it. Source: `raw_response_hook` in the README of azure-data-tables.
    """
    answer = response.http_response
    if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status_code in _PASSING:
        return
    if not any(name in answer.headers for name in _OF_STORAGE):
        raise NotCopied(f"a gateway or proxy answered {answer.status_code} in place of storage")
    if answer.request.method == "GET" and answer.status_code < HTTPStatus.MULTIPLE_CHOICES:
        _check_rows(answer.content)


def _check_rows(body: bytes) -> None:
    """Raise NotCopied unless a body is a list of rows, each with its keys."""
    try:
        rows = json.loads(body.removeprefix(b"\xef\xbb\xbf")).get("value")
        is_whole = all(isinstance(row[key], str) for row in rows for key in _KEYS)
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        is_whole = False
    if not is_whole or not isinstance(rows, list):
        raise NotCopied("an answer is no list of rows with their keys")


def _first(failures: BaseExceptionGroup[BaseException]) -> str:
    """Return what the first failure says, in one line."""
    return str(failures.exceptions[0]).partition("\n")[0].strip()


async def copy_tables(source: str, target: str, show: Callable[[str], None], *, suffix: str) -> None:
    """Copy every table from one account to the other; raise NotCopied. `suffix` is the cloud's, as core.windows.net."""
    async with AzureCliCredential() as credential:
        for table in TABLES:
            async with (
                TableClient(f"https://{source}.table.{suffix}", table, credential=credential) as old,
                TableClient(f"https://{target}.table.{suffix}", table, credential=credential) as new,
            ):
                show(str(await copy_table(old, new, show)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Copy the tables, and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.upgrade.copy_tables",
        description="Copy registry and ledger from the storage account of the single app to the worker's.",
    )
    parser.add_argument("source", metavar="SOURCE", help="name of the front's storage account")
    parser.add_argument("target", metavar="TARGET", help="name of the worker's storage account")
    parser.add_argument("--suffix", default="core.windows.net", help="of storage in another cloud than the public one")
    options = parser.parse_args(arguments)

    def show(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    try:
        asyncio.run(copy_tables(options.source, options.target, show, suffix=options.suffix))
    except NotCopied as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
