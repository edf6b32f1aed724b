"""The proxy on the way to Azure: the right one, or a clear word, and never its password."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from azure.core.exceptions import AzureError
from azure.core.rest import HttpRequest

from compliance_api.settings import ApiSettings
from publisher.configuration.proxies import proxy_for
from publisher.errors.answers import as_failure
from publisher.settings import CollectorSettings, NotificationSettings, SettingsError
from publisher.transport import Transport
from tests.publisher.minimum import FRONT, GUID, MINIMUM, problems_of

PASSWORD = "p%40ss-word"
API = {
    **dict.fromkeys(("AZURE_TENANT_ID", "API_CLIENT_ID", "LOG_ANALYTICS_WORKSPACE_ID"), GUID),
    "DATA_COLLECTION_ENDPOINT": "https://dce.example",
    "AUDIT_IMMUTABLE_ID": "dcr-00000000000000000000000000000000",
}
HOSTS = ".azure.com,login.microsoftonline.com,acc.table.core.windows.net"
"""What the collector asks: ARM and the data collection endpoint, the sign-in, its storage."""

SEEN = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")


@dataclass
class AProxy:
    """A proxy that lets nothing through; `requests` has the head of each request."""

    port: int = 0
    requests: list[str] = field(default_factory=list)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()


@asynccontextmanager
async def a_proxy() -> AsyncIterator[AProxy]:
    proxy = AProxy()
    async with await asyncio.start_server(proxy.answer, "127.0.0.1", 0) as server:
        proxy.port = server.sockets[0].getsockname()[1]
        yield proxy


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SEEN:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


async def send(url: str) -> str:
    """Send a request, and return what the failure says."""
    async with Transport() as transport:
        try:
            response = await transport.send(HttpRequest("GET", url))
        except AzureError as error:
            return str(as_failure(error))
        return str(response.status_code)


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize("form", ["http://{}", "{}", "HTTP://{}/", " {}\n"])
async def test_a_proxy_is_asked_for_a_tunnel_however_it_is_written(
    monkeypatch: pytest.MonkeyPatch, name: str, form: str
) -> None:
    async with a_proxy() as proxy:
        monkeypatch.setenv(name, form.format(f"127.0.0.1:{proxy.port}"))
        assert "407" in await send("https://management.azure.com/subscriptions")
    assert [request.split(" HTTP")[0] for request in proxy.requests] == ["CONNECT management.azure.com:443"]


@pytest.mark.parametrize("url", ["https://management.azure.com/", "http://169.254.169.254/metadata"])
@pytest.mark.parametrize("form", ["http://me:{}@{}", "me:{}@{}"])
async def test_user_and_password_reach_the_proxy_and_no_message(
    monkeypatch: pytest.MonkeyPatch, url: str, form: str
) -> None:
    async with a_proxy() as proxy:
        monkeypatch.setenv("ALL_PROXY", form.format(PASSWORD, f"127.0.0.1:{proxy.port}"))
        said = await send(url)
    (request,) = proxy.requests
    assert f"Proxy-Authorization: Basic {base64.b64encode(b'me:p@ss-word').decode()}" in request
    assert "407" in said
    assert all(secret not in said for secret in (PASSWORD, "p@ss-word"))


async def test_the_variable_of_the_scheme_wins_and_no_proxy_over_all(monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_proxy() as proxy:
        monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("HTTPS_PROXY", f"127.0.0.1:{proxy.port}")
        await send("https://management.azure.com/")
        monkeypatch.setenv("NO_PROXY", ".azure.com,127.0.0.1")
        await send("https://127.0.0.1:9/")
        monkeypatch.setenv("https_proxy", "")
        await send("https://localhost:9/")
    connects = [request for request in proxy.requests if request.startswith("CONNECT")]
    assert len(connects) == 1


WRONG = [
    ("socks5://{}@host:1080", "speaks socks5"),
    ("SOCKS5H://host:1080", "speaks socks5h"),
    ("socks://host", "speaks socks"),
    ("ftp://host:21", "not the address of a proxy"),
    ("http:/host:8080", "not the address of a proxy"),
    ("http:host:8080", "not the address of a proxy"),
    ("http://", "not the address of a proxy"),
    ("http://me:{}/x@host:8080", "must be encoded"),
    ("http://me:{}#x@host:8080", "must be encoded"),
    ("http://host:eight", "not the address of a proxy"),
    ("http://host:99999", "not the address of a proxy"),
    ("http://host:8080/path", "not the address of a proxy"),
    ("http://ho st:8080", "not the address of a proxy"),
    ('"http://me:{}@host:8080"', "not the address of a proxy"),
    ("http://[::1", "not the address of a proxy"),
    ("http://proxy.example:8080,http://other:8080", "not the address of a proxy"),
]


@pytest.mark.parametrize(("value", "said"), WRONG)
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_of_no_use_is_a_bad_setting_of_every_app(name: str, value: str, said: str) -> None:
    given = {name: value.replace("{}", PASSWORD)}
    for variables, read in (
        (MINIMUM, CollectorSettings.from_environment),
        (FRONT, NotificationSettings.from_environment),
        (API, ApiSettings.from_environment),
    ):
        problems = problems_of({**variables, **given}, read)
        assert list(problems) == [name]
        assert said in problems[name]
        assert PASSWORD not in problems[name]


@pytest.mark.parametrize(("value", "said"), WRONG)
async def test_a_request_by_such_a_proxy_is_never_sent(monkeypatch: pytest.MonkeyPatch, value: str, said: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value.replace("{}", PASSWORD))
    with pytest.raises(SettingsError, match=f"HTTPS_PROXY: .*{said}") as raised:
        await send("https://management.azure.com/")
    assert PASSWORD not in str(raised.value)


def test_a_proxy_that_is_not_used_need_not_be_right() -> None:
    for unused in (
        {"ALL_PROXY": "socks5://host:1080", "HTTPS_PROXY": "http://host:8080", "HTTP_PROXY": "http://host:8080"},
        {"ALL_PROXY": "socks5://host:1080", "NO_PROXY": "*"},
        {"ALL_PROXY": "socks5://host:1080", "NO_PROXY": f"{HOSTS}"},
        {"ALL_PROXY": "socks5://host:1080", "NO_PROXY": HOSTS.replace(",", ";")},
        {"ALL_PROXY": "socks5://host:1080", "NO_PROXY": HOSTS.replace(",", " , *").upper()},
        {"ALL_PROXY": "socks5://host:1080", "NO_PROXY": "localhost,*"},
        {"HTTP_PROXY": "socks5://host:1080", "HTTPS_PROXY": "http://host:8080"},
        {"http_proxy": "ftp://host"},
        {"HTTPS_PROXY": "socks5://host:1080", "https_proxy": "http://[::1]:8080"},
        {"HTTPS_PROXY": "socks5://host:1080", "https_proxy": ""},
    ):
        CollectorSettings.from_environment(MINIMUM | unused)


DIRECT = {
    "front": (FRONT, NotificationSettings.from_environment, "worker.queue.core.windows.net"),
    "api": (API, ApiSettings.from_environment, "api.loganalytics.io:443,dce.example"),
    "collector": (MINIMUM, CollectorSettings.from_environment, HOSTS),
}


@pytest.mark.parametrize("app", DIRECT)
def test_only_the_ways_to_what_an_app_asks_need_a_proxy_that_can_be_used(app: str) -> None:
    variables, read, hosts = DIRECT[app]
    socks = {"ALL_PROXY": "socks5://host:1080"}
    read({**variables, **socks, "NO_PROXY": hosts})
    for host in hosts.split(","):
        fewer = ",".join(one for one in hosts.split(",") if one != host)
        assert list(problems_of({**variables, **socks, "NO_PROXY": fewer}, read)) == ["ALL_PROXY"]


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("azure.com", "https://management.azure.com/"),
        (".azure.com", "https://azure.com/"),
        ("*.azure.com", "https://management.azure.com./"),
        ("other; management.azure.com", "https://MANAGEMENT.azure.com/"),
        ("management.azure.com:443", "https://management.azure.com/"),
        ("management.azure.com:8443", "https://management.azure.com:8443/"),
        ("127.0.0.1", "http://127.0.0.1:10002/"),
        ("10.0.0.0/8", "http://10.1.2.3:10002/"),
        ("::1", "http://[::1]:10002/"),
        ("[::1]", "http://[0:0::1]/"),
        ("[::1]:80", "http://[::1]/"),
        ("fd00::/8", "http://[fd00::7]/"),
        ("*", "https://management.azure.com/"),
        ("localhost,*", "https://management.azure.com/"),
    ],
)
def test_no_proxy_is_understood_however_it_is_written(entry: str, url: str) -> None:
    assert proxy_for(url, {"ALL_PROXY": "http://host:8080", "NO_PROXY": entry}) is None


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("azure.com", "https://notazure.com/"),
        ("management.azure.com:8443", "https://management.azure.com/"),
        ("azure.co", "https://management.azure.com/"),
        ("[::1]:81", "http://[::1]/"),
        ("::2", "http://[::1]/"),
        ("10.0.0.0/8", "http://11.1.2.3/"),
        ("10.0.0.0/99", "https://management.azure.com/"),
        (".", "https://management.azure.com/"),
        ("*.", "https://management.azure.com/"),
        (":443", "https://management.azure.com/"),
        ("", "https://management.azure.com/"),
    ],
)
def test_no_proxy_covers_nothing_that_it_does_not_name(entry: str, url: str) -> None:
    assert proxy_for(url, {"ALL_PROXY": "http://host:8080", "NO_PROXY": entry}) is not None


def test_a_proxy_may_be_a_container_whose_name_has_underscores() -> None:
    found = proxy_for("https://management.azure.com/", {"HTTPS_PROXY": "http://me:pass@squid_proxy:3128"})
    assert found is not None
    assert found.url == "http://squid_proxy:3128"
    CollectorSettings.from_environment(MINIMUM | {"HTTPS_PROXY": "squid_proxy:3128"})


async def test_the_platforms_secret_for_tokens_goes_to_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_proxy() as proxy, a_proxy() as platform:
        monkeypatch.setenv("ALL_PROXY", f"127.0.0.1:{proxy.port}")
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{platform.port}/msi/token")
        await send(f"http://127.0.0.1:{platform.port}/msi/token?resource=x")
    assert proxy.requests == []
    assert [request.split("?")[0] for request in platform.requests] == ["GET /msi/token"]
