"""Storage with identities: who is let in, what each role may do, and how Azure says no."""

from __future__ import annotations

import base64
import ssl
from typing import TYPE_CHECKING

import aiohttp
import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.queue import QueueServiceClient
from yarl import URL

from sandbox.azure.identity.directory import (
    API_IDENTITY,
    FRONT_IDENTITY,
    LOG_ANALYTICS_AUDIENCE,
    OPERATOR,
    SERVICE_PRINCIPAL,
    STORAGE_AUDIENCE,
    USER_ASSIGNED,
)
from sandbox.azure.identity.tokens import TokenIssuer
from sandbox.roles import Role, accounts_of
from sandbox.services import Service
from tests.sandbox.conftest import Answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sandbox.azure.identity.tokens import Principal
    from sandbox.local_azure import Sandbox

VERSION = {"x-ms-version": "2021-12-02"}
MISMATCH = "AuthorizationPermissionMismatch"
MESSAGE = b"<QueueMessage><MessageText>bm8gbm90aWZpY2F0aW9u</MessageText></QueueMessage>"


class Accounts:
    """Calls the accounts of the apps; `{worker}` and the like in a path stand for an account's name."""

    def __init__(self, sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
        self.sandbox = sandbox
        self._session = session
        self.names = {role.value: account.name for role, account in accounts_of(sandbox.storage.number).items()}

    def token(self, who: Principal, audience: str = STORAGE_AUDIENCE, lifetime: int = 600) -> str:
        return self.sandbox.directory.issuer.issue(who, audience, lifetime)

    async def ask(
        self,
        service: Service,
        call: str,
        who: Principal | str | None,
        *,
        data: bytes = b"",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send a call, say "GET /{worker}/box", as somebody, with a token, or with none."""
        token = who if isinstance(who, str) or who is None else self.token(who)
        method, _, path = call.partition(" ")
        address = URL(self.sandbox.url(service) + path.format_map(self.names), encoded=True)
        sent = VERSION | (headers or {}) | ({"Authorization": f"Bearer {token}"} if token else {})
        async with self._session.request(method, address, headers=sent, data=data) as response:
            return Answer(response.status, dict(response.headers), await response.read())

    async def queues(self, call: str, who: Principal) -> tuple[int, str | None]:
        data = MESSAGE if call.startswith("P") and "/messages" in call else b""
        return seen(await self.ask(Service.QUEUES, call, who, data=data))

    async def blobs(self, call: str, who: Principal) -> tuple[int, str | None]:
        is_put = call.startswith("PUT") and "restype" not in call
        headers, data = ({"x-ms-blob-type": "BlockBlob"}, b"PK") if is_put else ({}, b"")
        return seen(await self.ask(Service.BLOBS, call, who, data=data, headers=headers))


def seen(answer: Answer) -> tuple[int, str | None]:
    return answer.status, answer.headers.get("x-ms-error-code")


@pytest.fixture
async def session(identity_sandbox: Sandbox) -> AsyncIterator[aiohttp.ClientSession]:
    context = ssl.create_default_context(cafile=identity_sandbox.certificate_authority)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as opened:
        yield opened


@pytest.fixture
def accounts(identity_sandbox: Sandbox, session: aiohttp.ClientSession) -> Accounts:
    return Accounts(identity_sandbox, session)


async def test_who_has_no_valid_token_for_storage_is_not_let_in(accounts: Accounts) -> None:
    for token, code in (
        (None, "NoAuthenticationInformation"),
        ("x", "InvalidAuthenticationInfo"),
        (TokenIssuer().issue(USER_ASSIGNED, STORAGE_AUDIENCE, 600), "InvalidAuthenticationInfo"),
        (accounts.token(USER_ASSIGNED, lifetime=-600), "InvalidAuthenticationInfo"),
        (accounts.token(USER_ASSIGNED, LOG_ANALYTICS_AUDIENCE), "InvalidAuthenticationInfo"),
    ):
        answer = await accounts.ask(Service.QUEUES, "GET /{worker}?comp=list", token)
        assert seen(answer) == (401, code)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer authorization_uri=https://login.")


async def test_keys_open_nothing(accounts: Accounts) -> None:
    signed = base64.b64encode(b"signature").decode()
    for call, headers in (
        ("GET /{worker}?comp=list", {"Authorization": f"SharedKey {accounts.names['worker']}:{signed}"}),
        ("GET /{worker}?comp=list&sv=2021-12-02&sig=c2ln", {}),
    ):
        answer = await accounts.ask(Service.QUEUES, call, None, headers=headers)
        assert seen(answer) == (403, "KeyBasedAuthenticationNotPermitted")


async def test_an_accounts_own_key_opens_nothing(identity_sandbox: Sandbox) -> None:
    for role, own in accounts_of(identity_sandbox.storage.number).items():
        client = QueueServiceClient(
            f"{identity_sandbox.url(Service.QUEUES)}/{own.name}",
            credential={"account_name": own.name, "account_key": own.key},
            connection_verify=str(identity_sandbox.certificate_authority),
            retry_total=0,
        )
        with client, pytest.raises(HttpResponseError) as refused:
            client.create_queue("box")
        assert (refused.value.status_code, str(refused.value.error_code)) == (  # type: ignore[attr-defined]
            403,
            "KeyBasedAuthenticationNotPermitted",
        ), role


async def test_what_the_sandbox_does_not_play_is_501(accounts: Accounts) -> None:
    delegated = "GET /{worker}/box/blob?skoid=0&sig=c2ln"
    assert seen(await accounts.ask(Service.BLOBS, delegated, None)) == (501, "NotImplementedInSandbox")
    copied = {"x-ms-copy-source": f"https://elsewhere/{accounts.names['worker']}/box/blob"}
    answer = await accounts.ask(Service.BLOBS, "PUT /{front}/box/blob", FRONT_IDENTITY, headers=copied)
    assert seen(answer) == (501, "NotImplementedInSandbox")


async def test_a_message_sender_sends_to_its_queue_and_does_nothing_else(accounts: Accounts) -> None:
    queue = "/{worker}/notifications"
    assert await accounts.queues(f"POST {queue}/messages", FRONT_IDENTITY) == (201, None)
    for call in (
        f"GET {queue}/messages",
        f"GET {queue}/messages?peekonly=true",
        f"DELETE {queue}/messages",
        f"PUT {queue}/messages/id?popreceipt=x&visibilitytimeout=0",
        f"DELETE {queue}/messages/id?popreceipt=x",
        f"GET {queue}?comp=metadata",
        f"PUT {queue}",
        f"DELETE {queue}",
        f"PUT {queue}?comp=acl",
        "GET /{worker}?comp=list",
        "GET /{worker}?restype=service&comp=properties",
        "POST /{worker}/notifications-poison/messages",
        "POST /{worker}/shards/messages",
        "POST /{front}/notifications/messages",
        "POST /{api}/notifications/messages",
    ):
        assert await accounts.queues(call, FRONT_IDENTITY) == (403, MISMATCH), call
    peeked = await accounts.ask(Service.QUEUES, f"GET {queue}/messages?peekonly=true", USER_ASSIGNED)
    assert peeked.body.count(b"<QueueMessage>") == 1


async def test_the_worker_has_its_own_account_and_no_other(accounts: Accounts) -> None:
    for call, status in (
        ("PUT /{worker}/shards", 201),
        ("POST /{worker}/shards/messages", 201),
        ("GET /{worker}/shards/messages", 200),
        ("DELETE /{worker}/shards/messages", 204),
        ("DELETE /{worker}/shards", 204),
    ):
        assert (await accounts.queues(call, USER_ASSIGNED))[0] == status, call
    for other in ("{front}", "{api}"):
        assert await accounts.queues(f"PUT /{other}/shards", USER_ASSIGNED) == (403, MISMATCH)
        assert await accounts.blobs(f"PUT /{other}/box?restype=container", USER_ASSIGNED) == (403, MISMATCH)


@pytest.mark.parametrize(("who", "own"), [(FRONT_IDENTITY, "{front}"), (API_IDENTITY, "{api}")])
async def test_front_and_api_have_the_blobs_of_their_own_account(accounts: Accounts, who: Principal, own: str) -> None:
    for account in ("{front}", "{worker}", "{api}"):
        found = [
            await accounts.blobs(call, who)
            for call in (
                f"PUT /{account}/box?restype=container",
                f"PUT /{account}/box/package.zip",
                f"GET /{account}/box/package.zip",
                f"GET /{account}/box?restype=container&comp=list",
            )
        ]
        assert found == ([(201, None)] * 2 + [(200, None)] * 2 if account == own else [(403, MISMATCH)] * 4), account
        for table in ("Tables", "applications()", "verdicts()", "$batch"):
            answer = await accounts.ask(Service.TABLES, f"GET /{account}/{table}", who)
            assert seen(answer) == (403, MISMATCH), table


@pytest.mark.parametrize("who", [SERVICE_PRINCIPAL, OPERATOR])
async def test_the_publishers_service_principal_and_an_operator_have_no_blobs(
    accounts: Accounts, who: Principal
) -> None:
    for account in ("{front}", "{worker}", "{api}"):
        assert await accounts.blobs(f"GET /{account}?comp=list", who) == (403, MISMATCH)


@pytest.mark.parametrize(
    "path",
    [
        "/{front}/../{worker}/box/blob",
        "/{front}/%2e%2e/{worker}/box/blob",
        "/{front}%2f..%2f{worker}/box/blob",
        "/{front}//box/blob",
        "//{worker}/box/blob",
    ],
)
async def test_a_path_that_can_be_read_in_two_ways_leads_nowhere(accounts: Accounts, path: str) -> None:
    assert await accounts.blobs(f"GET {path}", FRONT_IDENTITY) == (400, "InvalidUri")


async def test_rights_move_on_with_the_accounts(identity_sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    before = Accounts(identity_sandbox, session)
    identity_sandbox.next_storage_account()
    after = Accounts(identity_sandbox, session)
    assert before.names != after.names
    for accounts in (before, after):
        assert await accounts.queues("POST /{worker}/notifications/messages", FRONT_IDENTITY) == (201, None)
        for role, who in ((Role.FRONT, FRONT_IDENTITY), (Role.WORKER, USER_ASSIGNED), (Role.API, API_IDENTITY)):
            assert await accounts.blobs(f"GET /{{{role}}}?comp=list", who) == (200, None), role
