"""The proxy on the way to Azure, by the variables of every program: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY.

A name in lower case wins over one in capitals, and the one of a scheme over ALL_PROXY. Messages never have the value:
it may have a password in it.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from publisher.environment import Environment, SettingsError, address
from publisher.texts import trimmed

_SCHEMES: Final = ("https", "http")
PROXY_SETTING_NAMES: Final = tuple(f"{kind}_proxy" for kind in (*_SCHEMES, "all", "no"))
"""In lower case; the same in capitals is read where they are not set."""
_SOCKS: Final = ("socks", "socks4", "socks4a", "socks5", "socks5h")
_PORTS: Final = {"https": 443, "http": 80}
_ENTRY: Final = re.compile(
    r"(?P<host>\[[0-9a-f:.]+\]|[0-9a-f.]*:[0-9a-f]*:[0-9a-f:.]*(?:/\d+)?|[^:]+)(?::(?P<port>\d+))?"
)
"""An entry of NO_PROXY: a name, an address or a network, and maybe a port; an IPv6 address with one is in brackets."""
_HOST: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?|[0-9a-f:.]*:[0-9a-f:.]*")
"""The name of a proxy, which may have underscores as those of containers have, or its IPv6 address."""
_NEXT: Final = "give http://host:port, or name the hosts that need no proxy in NO_PROXY"


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy's address, without user and password; `authorization` is the header for these, "" for none."""

    url: str
    authorization: str = field(default="", repr=False)


class _Wrong(Exception):  # noqa: N818 - an outcome
    """What is wrong with the proxy's address that the setting `name` has."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(problem)
        self.name = name


def proxy_for(url: str, variables: Mapping[str, str]) -> Proxy | None:
    """Return the proxy on the way to a URL, None for a direct way; raise SettingsError for one of no use."""
    if _gives_tokens(urlsplit(url).netloc, variables):
        return None
    try:
        return _proxy_to(url, variables)
    except _Wrong as problem:
        raise SettingsError((f"{problem.name}: {problem}",)) from None


def note_proxies(env: Environment, *urls: str) -> None:
    """Note each proxy on the way to one of these addresses that is of no use; "" is skipped.

    Only an address that this program calls with the settings at hand counts: another one may have any proxy.
    """
    for url in filter(None, urls):
        try:
            _proxy_to(url, env.variables)
        except _Wrong as problem:
            env.problem(problem.name, str(problem))


def _proxy_to(url: str, variables: Mapping[str, str]) -> Proxy | None:
    parts = urlsplit(url)
    name, value = _setting(parts.scheme, variables)
    return _proxy(name, value) if value and not _is_direct(parts, variables) else None


def _is_direct(parts: SplitResult, variables: Mapping[str, str]) -> bool:
    """Tell whether NO_PROXY has the host: by name, with all below it, by address or network, or with its port.

    Entries stand between commas, semicolons or blanks; "*." or a dot before a name changes nothing; "*" is every host.
    """
    host = (parts.hostname or "").rstrip(".")
    port = parts.port or _PORTS.get(parts.scheme)
    for entry in re.split(r"[,;\s]+", _value("no_proxy", variables)[1].lower()):
        if entry == "*":
            return True
        if (found := _ENTRY.fullmatch(entry)) and found["port"] in (None, str(port)) and _covers(found["host"], host):
            return True
    return False


def _covers(name: str, host: str) -> bool:
    """Tell whether a host is the one of this name or below it, or its address in this network."""
    try:
        return ip_address(host) in ip_network(name.strip("[]"), strict=False)
    except ValueError:
        name = name.removeprefix("*").strip(".")
        return bool(name) and f".{host}".endswith(f".{name}")


def _gives_tokens(netloc: str, variables: Mapping[str, str]) -> bool:
    """Tell whether this is the platform's endpoint for tokens, which answers inside of the host alone."""
    own = (urlsplit(variables.get(name, "")).netloc for name in ("IDENTITY_ENDPOINT", "MSI_ENDPOINT"))
    return netloc in filter(None, own)


def _setting(scheme: str, variables: Mapping[str, str]) -> tuple[str, str]:
    """Return name and value of the variable that says which proxy is for a scheme; an empty value for none."""
    name, value = _value(f"{scheme}_proxy", variables)
    return (name, value) if name else _value("all_proxy", variables)


def _value(name: str, variables: Mapping[str, str]) -> tuple[str, str]:
    found = [name] if name in variables else [given for given in variables if given.lower() == name]
    return (found[0], trimmed(variables[found[0]])) if found else ("", "")


def _proxy(name: str, value: str) -> Proxy:
    """Return a proxy from its address; a host alone is taken as http."""
    url = value if "://" in value else f"http://{value}"
    scheme = url.partition("://")[0].lower()
    if scheme in _SOCKS:
        raise _Wrong(name, f"names a proxy that speaks {scheme}, which this program does not; {_NEXT}")
    try:
        netloc = urlsplit(url).netloc
    except ValueError:
        netloc = ""
    user_info, _, host = netloc.rpartition("@")
    used = address(
        url.replace(f"{user_info}@", "", 1) if user_info else url, schemes=_SCHEMES, may_have_path=False, hosts=_HOST
    )
    if not host or not used or any(map(str.isspace, value)):
        raise _Wrong(
            name, f"is not the address of a proxy; {_NEXT}; in user and password, / ? # % must be encoded, as in %2F"
        )
    if not user_info:
        return Proxy(used)
    user, _, password = user_info.partition(":")
    credentials = f"{unquote(user)}:{unquote(password)}".encode()
    return Proxy(used, f"Basic {base64.b64encode(credentials).decode()}")
