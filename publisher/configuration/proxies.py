"""The proxy on the way to Azure, by the variables of every program: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY.

A name in lower case wins over one in capitals, and the one of a scheme over ALL_PROXY. Messages never have the value:
it may have a password in it.
"""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined] # documented nowhere, and in no stub

from publisher.environment import Environment, SettingsError, address
from publisher.texts import trimmed

_SCHEMES: Final = ("https", "http")
PROXY_SETTING_NAMES: Final = tuple(f"{kind}_proxy" for kind in (*_SCHEMES, "all", "no"))
"""In lower case; the same in capitals is read where they are not set."""
_SOCKS: Final = ("socks", "socks4", "socks4a", "socks5", "socks5h")
_NEXT: Final = "give http://host:port, or name the hosts that need no proxy in NO_PROXY"


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy's address, without user and password; `authorization` is the header for these, "" for none."""

    url: str
    authorization: str = field(default="", repr=False)


class _Wrong(Exception):  # noqa: N818 - an outcome
    """What is wrong with a proxy's address."""


def proxy_for(origin: str, variables: Mapping[str, str]) -> Proxy | None:
    """Return the proxy for `https://host:port`, None for a direct way; raise SettingsError for one of no use."""
    parts = urlsplit(origin)
    if _is_direct(parts.netloc, variables) or _gives_tokens(parts.netloc, variables):
        return None
    name, value = _setting(parts.scheme, variables)
    try:
        return _proxy(value) if value else None
    except _Wrong as problem:
        raise SettingsError((f"{name}: {problem}",)) from None


def note_proxies(env: Environment, urls: Iterable[str]) -> None:
    """Note each proxy that this program would use and cannot, unless each of these addresses is reached without one.

    A setting's address that is not among them is told of when it is called.
    """
    if all(_is_direct(urlsplit(url).netloc, env.variables) for url in urls if url):
        return
    for name, value in (_setting(scheme, env.variables) for scheme in _SCHEMES):
        try:
            if value:
                _proxy(value)
        except _Wrong as problem:
            env.problem(name, str(problem))


def _is_direct(netloc: str, variables: Mapping[str, str]) -> bool:
    return bool(proxy_bypass_environment(netloc, {"no": _value("no_proxy", variables)[1]}))


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


def _proxy(value: str) -> Proxy:
    """Return a proxy from its address; a host alone is taken as http."""
    url = value if "://" in value else f"http://{value}"
    scheme = url.partition("://")[0].lower()
    if scheme in _SOCKS:
        raise _Wrong(f"names a proxy that speaks {scheme}, which this program does not; {_NEXT}")
    try:
        netloc = urlsplit(url).netloc
    except ValueError:
        netloc = ""
    user_info, _, host = netloc.rpartition("@")
    used = address(url.replace(f"{user_info}@", "", 1) if user_info else url, schemes=_SCHEMES, may_have_path=False)
    if not host or not used or any(map(str.isspace, value)):
        raise _Wrong(
            f"is not the address of a proxy; {_NEXT}; in user and password, / ? # % must be encoded, as in %2F"
        )
    if not user_info:
        return Proxy(used)
    user, _, password = user_info.partition(":")
    credentials = f"{unquote(user)}:{unquote(password)}".encode()
    return Proxy(used, f"Basic {base64.b64encode(credentials).decode()}")
