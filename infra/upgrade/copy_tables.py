"""Copies registry and ledger from the storage account of the single app, now the front's, to the worker's.

`python -m infra.upgrade.copy_tables SOURCE TARGET` with the names of both accounts, signed in with `az login`, with the
packages of requirements.txt. Run it after the templates were deployed and before the code is: then nobody writes either
table. It can be repeated: a row that is there already is left as it is. Exit status 1 when a row was not copied.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.data.tables.aio import TableClient
from azure.identity.aio import AzureCliCredential

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from azure.data.tables import TableEntity

TABLES: Final = ("applications", "verdicts")
"""The registry and the ledger. Records of runs are of no use to the new app, and expire."""

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
            try:
                await target.create_entity(row)
                done.copied += 1
            except ResourceExistsError:
                done.there += 1
            if (done.copied + done.there) % _SHOWN_EVERY == 0:
                show(f"{done} ...")

    try:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(_AT_ONCE):
                tasks.create_task(work())
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
    async for page in source.list_entities(results_per_page=200).by_page():
        async for row in page:
            yield row


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
