"""Blob storage as far as this program needs it: write, list and read the blobs of one container.

Content goes in blocks and comes in ranges, each with retries of its own, so that memory does not grow with a blob.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobBlock, ContentSettings
from azure.storage.blob.aio import ContainerClient

from publisher.errors.kinds import NotFound, RequestRefused
from publisher.retry import USUAL_PATIENCE, Patience
from publisher.storage import StorageClient, malformed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import IO

    from publisher.configuration.resource_settings import Storage

PIECE_BYTES: Final = 4 * 1024 * 1024
"""Bytes of a block that is sent, and of a range that is asked for."""

_MISSING_CONTAINER: Final = "ContainerNotFound"
_EXISTS: Final = "ContainerAlreadyExists"
_EMPTY: Final = "InvalidRange"
"""What is said to who asks for the first bytes of a blob without any."""


class _Piece(NamedTuple):
    """A range of a blob, and how long all of it is, and its ETag."""

    content: bytes
    size: int
    etag: str


class BlobContainer(StorageClient[ContainerClient]):
    """One container. An asynchronous context manager; methods raise the AzureFailures of `publisher.errors`.

    The first write creates a container that does not exist. Until then nothing is listed, and reading raises NotFound.
    """

    def __init__(self, storage: Storage, name: str, *, patience: Patience = USUAL_PATIENCE) -> None:
        super().__init__(
            ContainerClient,
            storage,
            storage.blob_service_uri,
            name,
            patience=patience,
            what=f"container {name}",
            max_single_get_size=PIECE_BYTES,
            max_chunk_get_size=PIECE_BYTES,
        )

    async def names(self) -> list[str]:
        """Return the names of all blobs, in alphabetical order."""
        found = list[str]()
        pages = self._client.list_blob_names().by_page()
        try:
            while (page := await self._repeated(lambda: anext(pages, None))) is not None:
                found += [name async for name in page]
        except NotFound as error:
            if error.code != _MISSING_CONTAINER:
                raise
        return sorted(found)

    async def write(self, name: str, content: IO[bytes], content_type: str) -> None:
        """Store a blob, in the place of one with this name; nobody sees a part of it. `content` is not empty."""
        blob = self._client.get_blob_client(name)
        blocks = list[BlobBlock]()
        while piece := content.read(PIECE_BYTES):
            block_id = base64.b64encode(f"{len(blocks):08}".encode()).decode()
            await self._stage(name, block_id, piece)
            blocks.append(BlobBlock(block_id))
        settings = ContentSettings(content_type=content_type)
        await self._repeated(lambda: blob.commit_block_list(blocks, content_settings=settings))

    async def read(self, name: str) -> AsyncIterator[bytes]:
        """Yield the content of a blob piece by piece, all of one version; raise NotFound when there is none."""
        try:
            first = await self._range(name, 0, None)
        except RequestRefused as error:
            if error.code != _EMPTY:
                raise
            return
        yield first.content
        offset = len(first.content)
        while offset < first.size:
            piece = await self._range(name, offset, first)
            yield piece.content
            offset += len(piece.content)

    async def _range(self, name: str, offset: int, first: _Piece | None) -> _Piece:
        """Return the bytes from there on, PIECE_BYTES at most; of the version that `first` is of."""
        blob = self._client.get_blob_client(name)
        condition: dict[str, Any] = (
            {"etag": first.etag, "match_condition": MatchConditions.IfNotModified} if first else {}
        )

        async def attempt() -> _Piece:
            stream = await blob.download_blob(offset=offset, length=PIECE_BYTES, **condition)
            content: bytes = await stream.readall()
            # Its `size` is that of the range; the range says how long all of the blob is.
            size = str(stream.properties.content_range or "").rpartition("/")[2]
            etag = stream.properties.etag
            if not size.isdecimal() or not etag or len(content) != min(PIECE_BYTES, int(size) - offset):
                raise malformed("the answer is not the range of the blob that was asked for")
            return _Piece(content, int(size), etag)

        return await self._repeated(attempt)

    async def _stage(self, name: str, block_id: str, piece: bytes) -> None:
        """Send one block; the container is made when there is none."""
        blob = self._client.get_blob_client(name)

        async def attempt() -> None:
            await blob.stage_block(block_id, piece, length=len(piece))

        try:
            await self._repeated(attempt)
        except NotFound as error:
            if error.code != _MISSING_CONTAINER:
                raise
            await self._create()
            await self._repeated(attempt)

    async def _create(self) -> None:
        async def attempt() -> None:
            try:
                await self._client.create_container()
            except ResourceExistsError:
                pass
            except RequestRefused as error:
                if error.code != _EXISTS:
                    raise

        await self._repeated(attempt)
