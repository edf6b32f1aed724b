"""The client of a blob container, over TLS with a managed identity's tokens against the real storage emulator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from io import BytesIO

import pytest

from publisher.blobs.container import PIECE_BYTES, BlobContainer
from publisher.configuration.resource_settings import Storage
from publisher.errors.kinds import AccessDenied, MalformedAnswer, NotFound, TransientFailure
from publisher.retry import Patience
from publisher.settings import PublicationSettings
from sandbox.faults.effects import AnswerLost, Body, CutHalfWay, Dropped, Effect, Status
from sandbox.faults.operations import BlobRequest
from sandbox.local_azure import Sandbox

LARGE = bytes(range(256)) * (2 * PIECE_BYTES // 256) + b"and a rest"


async def _instantly(_: float) -> None:
    pass


@pytest.fixture
def storage(identity_sandbox: Sandbox) -> Storage:
    found = PublicationSettings.from_environment(identity_sandbox.environment).storage
    assert found.connection_string is None
    assert found.blob_service_uri
    return found


@pytest.fixture
async def container(storage: Storage) -> AsyncIterator[BlobContainer]:
    async with BlobContainer(storage, "things", patience=Patience(3, sleep=_instantly)) as opened:
        yield opened


async def read(container: BlobContainer, name: str) -> bytes:
    return b"".join([piece async for piece in container.read(name)])


@pytest.mark.parametrize("size", [1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, len(LARGE)])
async def test_a_blob_comes_back_as_it_went(container: BlobContainer, size: int) -> None:
    await container.write("a/b.bin", BytesIO(LARGE[:size]), "application/octet-stream")

    assert await read(container, "a/b.bin") == LARGE[:size]


async def test_another_blob_of_the_name_takes_its_place(container: BlobContainer) -> None:
    await container.write("one", BytesIO(b"first"), "text/plain")
    await container.write("one", BytesIO(b"second"), "text/plain")

    assert await read(container, "one") == b"second"


async def test_names_are_all_names_and_none_where_there_is_no_container(container: BlobContainer) -> None:
    assert await container.names() == []
    for name in ("b/2", "a/1", "c"):
        await container.write(name, BytesIO(b"x"), "text/plain")

    assert await container.names() == ["a/1", "b/2", "c"]


async def test_what_is_not_there_is_said_by_storage_alone(identity_sandbox: Sandbox, container: BlobContainer) -> None:
    with pytest.raises(NotFound):
        await read(container, "nothing")
    await container.write("one", BytesIO(b"x"), "text/plain")
    with pytest.raises(NotFound):
        await read(container, "nothing")
    identity_sandbox.faults.add(BlobRequest("GET"), Body(b"<html>Not Found</html>", "text/html", 404))

    with pytest.raises(TransientFailure):
        await read(container, "one")
    with pytest.raises(TransientFailure):
        await container.names()


@pytest.mark.parametrize("effect", [Status(503), Dropped(), AnswerLost(), CutHalfWay()])
async def test_what_passes_is_tried_again(identity_sandbox: Sandbox, container: BlobContainer, effect: Effect) -> None:
    identity_sandbox.faults.add(BlobRequest(), effect, times=1)
    await container.write("one", BytesIO(LARGE), "text/plain")
    identity_sandbox.faults.add(BlobRequest("GET"), effect, times=1, after=1)

    assert await read(container, "one") == LARGE
    identity_sandbox.faults.add(BlobRequest("GET"), effect, times=1)
    assert await container.names() == ["one"]


async def test_a_list_that_is_none_is_not_empty(identity_sandbox: Sandbox, container: BlobContainer) -> None:
    await container.write("one", BytesIO(b"x"), "text/plain")
    identity_sandbox.faults.add(BlobRequest("GET"), Body(b"<html/>", "text/html"))

    with pytest.raises(MalformedAnswer):
        await container.names()


async def test_who_has_no_role_is_refused(identity_sandbox: Sandbox, container: BlobContainer) -> None:
    identity_sandbox.faults.add(BlobRequest(), Status(403))

    with pytest.raises(AccessDenied):
        await container.write("one", BytesIO(b"x"), "text/plain")
    with pytest.raises(AccessDenied):
        await container.names()
