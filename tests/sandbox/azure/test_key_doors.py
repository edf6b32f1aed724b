"""The addresses that take an account's key: no token opens them, whoever's it is, and no answer names the emulator."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

import aiohttp
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.data.tables.aio import TableServiceClient

from sandbox.address_book import KEY_DOORS, AddressBook
from sandbox.azure.azurite import DEVELOPMENT_KEY
from sandbox.azure.identity.directory import FRONT_IDENTITY, STORAGE_AUDIENCE
from sandbox.local_azure import Sandbox
from sandbox.roles import Role, accounts_of
from sandbox.services import Service

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = {"x-ms-version": "2021-12-02", "Accept": "application/json"}
LIST = {Service.BLOBS: "?comp=list", Service.QUEUES: "?comp=list", Service.TABLES: "/Tables"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def with_doors() -> Iterator[Sandbox]:
    ports = {name: free_port() for name in KEY_DOORS.values()}
    with Sandbox(AddressBook(ports=ports), identity_storage=True, count_rows_only=True) as sandbox:
        yield sandbox


def door(sandbox: Sandbox, service: Service, account: str) -> str:
    return f"http://127.0.0.1:{sandbox.book.port(KEY_DOORS[service])}/{account}"


@pytest.mark.parametrize("service", KEY_DOORS)
@pytest.mark.parametrize("role", [Role.FRONT, Role.WORKER])
@pytest.mark.parametrize("query", ["", "sig=x"])
async def test_no_token_opens_the_address_for_keys(
    with_doors: Sandbox, service: Service, role: Role, query: str
) -> None:
    token = with_doors.directory.issuer.issue(FRONT_IDENTITY, STORAGE_AUDIENCE)
    account = accounts_of(with_doors.storage.number)[role].name
    call = LIST[service] + ("&" if "?" in LIST[service] else "?") * bool(query) + query
    async with aiohttp.ClientSession() as session:
        for headers in ({"Authorization": f"Bearer {token}"}, {"Authorization": f"bearer {token}"}):
            async with session.get(door(with_doors, service, account) + call, headers=VERSION | headers) as answer:
                assert answer.status == 403


@pytest.mark.parametrize("is_own", [True, False])
async def test_an_account_is_opened_by_its_own_key_and_not_by_the_one_that_every_emulator_has(
    with_doors: Sandbox, *, is_own: bool
) -> None:
    worker = accounts_of(with_doors.storage.number)[Role.WORKER]
    parts = {"DefaultEndpointsProtocol": "http", "AccountName": worker.name}
    parts |= {"AccountKey": worker.key if is_own else DEVELOPMENT_KEY}
    parts |= {"TableEndpoint": door(with_doors, Service.TABLES, worker.name)}
    connection = ";".join(f"{name}={value}" for name, value in parts.items())
    async with TableServiceClient.from_connection_string(connection) as tables:
        if is_own:
            assert [table.name async for table in tables.list_tables()] == []
        else:
            with pytest.raises(ClientAuthenticationError):
                [table async for table in tables.list_tables()]


async def test_an_answer_names_the_address_that_was_asked_and_not_the_emulator(with_doors: Sandbox) -> None:
    token = with_doors.directory.issuer.issue(FRONT_IDENTITY, STORAGE_AUDIENCE)
    account = accounts_of(with_doors.storage.number)[Role.FRONT].name
    context = ssl.create_default_context(cafile=with_doors.certificate_authority)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
        url = f"{with_doors.url(Service.BLOBS)}/{account}"
        async with session.get(f"{url}?comp=list", headers=VERSION | {"Authorization": f"Bearer {token}"}) as answer:
            assert f'ServiceEndpoint="{url}"' in await answer.text()
