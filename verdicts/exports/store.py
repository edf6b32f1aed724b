"""The container `exports`: which exports there are, and their content, checked before anybody uses it."""

from __future__ import annotations

import hashlib
import tempfile
import zlib
from io import BytesIO
from typing import IO, TYPE_CHECKING, Final

from publisher.blobs.container import BlobContainer
from publisher.errors.kinds import NotFound, RequestRefused
from publisher.retry import USUAL_PATIENCE, Patience
from publisher.transport import Closing
from verdicts.exports.lines import DamagedLine, row_of
from verdicts.exports.manifest import KINDS, Manifest, UnusableExport, manifest_bytes, manifest_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from publisher.configuration.resource_settings import Storage
    from publisher.table import Row

CONTAINER: Final = "exports"
_MANIFEST: Final = "manifest.json"
_LARGEST_MANIFEST: Final = 100_000
_LONGEST_LINE: Final = 8 * 1024 * 1024
"""Bytes: a row has a megabyte at most, half as much again in base64, and a character can take six."""

_INFLATED_BYTES: Final = 1024 * 1024


class NoExport(UnusableExport):
    """There is no such export, or none at all."""


class ExportStore(Closing):
    """The exports in the worker's storage account. An asynchronous context manager.

    Methods raise the AzureFailures of `publisher.errors`; RequestRefused where the settings name no blob service.
    """

    def __init__(self, storage: Storage, *, patience: Patience = USUAL_PATIENCE) -> None:
        if not storage.has_blobs:
            raise RequestRefused(
                "no setting of the storage account names its blob service: set AzureWebJobsStorage__blobServiceUri",
                code="NoBlobService",
            )
        self._blobs = BlobContainer(storage, CONTAINER, patience=patience)

    async def close(self) -> None:
        """Close the connections."""
        await self._blobs.close()

    async def names(self) -> tuple[list[str], list[str]]:
        """Return the names of the exports, the latest last, and of those that were begun and have no manifest."""
        places = [name.partition("/") for name in await self._blobs.names()]
        whole = {export for export, _, part in places if part == _MANIFEST}
        begun = {export for export, slash, _ in places if slash} - whole
        return sorted(whole), sorted(begun)

    async def has(self, name: str) -> bool:
        """Tell whether there is an export with this name."""
        return name in (await self.names())[0]

    async def latest(self) -> Manifest | None:
        """Return the manifest of the latest export, None when there is none; raise UnusableExport."""
        whole, _ = await self.names()
        return await self.manifest(whole[-1]) if whole else None

    async def manifest(self, name: str) -> Manifest:
        """Return the manifest of an export; raise NoExport or UnusableExport."""
        content = b""
        try:
            async for piece in self._blobs.read(f"{name}/{_MANIFEST}"):
                content += piece
                if len(content) > _LARGEST_MANIFEST:
                    raise UnusableExport("its manifest is damaged: it is too long")
        except NotFound as error:
            raise NoExport("there is no such export, or it was never finished: it has no manifest") from error
        return manifest_in(content, name)

    async def write_table(self, name: str, kind: str, content: IO[bytes]) -> None:
        """Store the lines of one table, compressed."""
        await self._blobs.write(_blob(name, kind), content, "application/gzip")

    async def write_manifest(self, manifest: Manifest) -> None:
        """Store the manifest, which makes the export one."""
        await self._blobs.write(f"{manifest.name}/{_MANIFEST}", BytesIO(manifest_bytes(manifest)), "application/json")

    async def fetched(self, manifest: Manifest) -> dict[str, IO[bytes]]:
        """Return a temporary file with the lines of each table, once all of the export was checked.

        Raises:
            UnusableExport: a blob is missing, is not what the manifest says, or holds something else than rows.
        """
        return {kind: await self.fetched_table(manifest, kind) for kind in KINDS}

    async def fetched_table(self, manifest: Manifest, kind: str) -> IO[bytes]:
        """Return the same of one table; raise UnusableExport."""
        said, digest, size = manifest.tables[kind], hashlib.sha256(), 0
        file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
        try:
            async for piece in self._blobs.read(_blob(manifest.name, kind)):
                digest.update(piece)
                size += len(piece)
                file.write(piece)
        except NotFound as error:
            raise UnusableExport(f"the blob of {kind} is missing") from error
        if (size, digest.hexdigest()) != (said.bytes, said.sha256):
            raise UnusableExport(
                f"the blob of {kind} is damaged: it has {size} bytes, and SHA-256 {digest.hexdigest()[:16]}…; "
                f"the manifest says {said.bytes} bytes and {said.sha256[:16]}…"
            )
        if (count := sum(1 for _ in rows_in(file, kind))) != said.rows:
            raise UnusableExport(f"the blob of {kind} has {count} rows, and the manifest says {said.rows}")
        return file


def rows_in(file: IO[bytes], kind: str) -> Iterator[Row]:
    """Yield the rows in a file of compressed lines, from its beginning; raise UnusableExport for anything else."""
    file.seek(0)
    for number, line in enumerate(_lines_in(file, kind), start=1):
        try:
            yield row_of(line)
        except DamagedLine as error:
            raise UnusableExport(f"line {number} of {kind} is damaged: {error}") from error


def _lines_in(file: IO[bytes], kind: str) -> Iterator[bytes]:
    """Yield the lines; memory does not grow with the file, whatever it was made to inflate to."""
    unpacker, rest = zlib.decompressobj(wbits=31), b""
    try:
        while packed := file.read(_INFLATED_BYTES):
            while packed:
                *lines, rest = (rest + unpacker.decompress(packed, _INFLATED_BYTES)).split(b"\n")
                yield from lines
                if len(rest) > _LONGEST_LINE:
                    raise UnusableExport(f"the blob of {kind} is damaged: it has a line that is too long")
                packed = unpacker.unconsumed_tail
    except zlib.error as error:
        raise UnusableExport(f"the blob of {kind} is damaged: {error}") from error
    if rest or not unpacker.eof or unpacker.unused_data:
        raise UnusableExport(f"the blob of {kind} is damaged: it does not end where an export ends")


def _blob(name: str, kind: str) -> str:
    return f"{name}/{kind}.jsonl.gz"
