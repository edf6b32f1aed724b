"""Connection strings of a storage account: what is taken opens a client, and what is wrong is said without its value.

Source: https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string, and what the clients of
the SDKs' clients for tables, queues and blobs make of a string. None opens with blanks around a name or an empty part.
"""

import base64
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs, urlsplit

from publisher.configuration.cloud import PUBLIC, Cloud, is_azures, wrong_service
from publisher.configuration.proxies import note_proxies
from publisher.environment import Environment, address

DEVELOPMENT_STORAGE: Final = "UseDevelopmentStorage=true"

_SERVICES: Final = ("Table", "Queue", "Blob")
_ENDPOINTS: Final = tuple(
    f"{service}{which}Endpoint" for service in (*_SERVICES, "File") for which in ("", "Secondary")
)
_NAMES: Final = {
    name.lower(): name
    for name in (
        "AccountName",
        "AccountKey",
        "SharedAccessSignature",
        "DefaultEndpointsProtocol",
        "EndpointSuffix",
        "UseDevelopmentStorage",
        *_ENDPOINTS,
    )
}
"""The names that a message may have: another one may be a piece of a key."""

_KEY_BYTES: Final = 64
_ACCOUNT_NAME: Final = re.compile(r"[a-z0-9]{3,24}")
_ANY_ACCOUNT_NAME: Final = re.compile(r"[A-Za-z0-9-]+")
"""Of an emulator, behind an endpoint of its own."""


class _Wrong(Exception):  # noqa: N818 - an outcome
    """What is wrong with a connection string, and what to do about it."""


def connection_string_from(env: Environment, name: str, service: str, cloud: Cloud) -> str:
    """Return a setting's connection string in the one spelling that all clients open; "" with a problem in `env`.

    `service` is Table or Queue, and has to be reached with it. Its endpoints must be of `cloud`, or of none that is
    known.
    """
    value = env.text(name)
    if not value:
        return ""
    try:
        parts = _parts(value)
        if "UseDevelopmentStorage" in parts:
            return _development_storage(parts)
        _check_credential(parts, service)
        for one in _SERVICES:
            parts |= _checked_endpoint(env, parts, one, cloud, is_needed=one == service)
    except _Wrong as problem:
        env.problem(name, str(problem))
        return ""
    return ";".join(f"{part}={content}" for part, content in parts.items())


def reaches(connection_string: str, service: str) -> bool:
    """Tell whether a checked connection string says where a service is: Table, Queue or Blob."""
    names = {part.partition("=")[0] for part in connection_string.split(";")}
    if service == "Blob" and not names.isdisjoint({"TableEndpoint", "QueueEndpoint"}):
        # Who names some endpoints names those that there are, such as a table service of its own.
        return "BlobEndpoint" in names
    return not names.isdisjoint({"UseDevelopmentStorage", "AccountName", f"{service}Endpoint"})


def _parts(value: str) -> dict[str, str]:
    """Return the parts by name, in their order and without the empty ones; known names as they are documented."""
    found: dict[str, str] = {}
    if not any(part.partition("=")[0].strip().lower() in _NAMES for part in value.split(";")):
        raise _Wrong("is not a storage connection string (AccountName=…;AccountKey=…); copy the whole string")
    for part in filter(str.strip, value.split(";")):
        given, _, content = part.partition("=")
        name = _NAMES.get(given.strip().lower(), given)
        shown = name if name in _NAMES.values() else "a part"
        if name == "AccountKey":
            content = "".join(content.split())  # base64 may be wrapped
        if given != given.strip() or content != content.strip():
            raise _Wrong(f"has white space or a line break around {shown}; remove it")
        if not given or not content:
            raise _Wrong(f"has {shown} without a {'value' if given else 'name'}; copy the whole string")
        if content[0] in "\"'`" or content[-1] in "\"'`":
            raise _Wrong(f"has quotation marks around {shown}; remove them")
        if name.lower() in map(str.lower, found):
            raise _Wrong(f"has {shown} twice; keep one of them")
        found[name] = content
    return found


def _development_storage(parts: Mapping[str, str]) -> str:
    if len(parts) > 1 or parts["UseDevelopmentStorage"].lower() != "true":
        raise _Wrong(f"has UseDevelopmentStorage, which goes alone: {DEVELOPMENT_STORAGE}; remove the rest")
    return DEVELOPMENT_STORAGE


def _check_credential(parts: Mapping[str, str], service: str) -> None:
    """Raise _Wrong unless there is a key with its account, or a signature, that can be used."""
    signature = parts.get("SharedAccessSignature", "")
    key = parts.get("AccountKey", "") if "AccountName" in parts or not signature else ""
    if not key and not signature:
        missing = "neither AccountKey nor SharedAccessSignature"
        raise _Wrong(f"is not a storage connection string (AccountName=…;AccountKey=…): it has {missing}")
    if key:
        _check_key(key, parts, service)
    elif any(map(str.isspace, signature)) or not parse_qs(signature.lstrip("?")).get("sig"):
        raise _Wrong("has a SharedAccessSignature without sig, or with white space in it; copy the whole string")


def _check_key(key: str, parts: Mapping[str, str], service: str) -> None:
    if "AccountName" not in parts:
        raise _Wrong("has an AccountKey and no AccountName; copy the whole string")
    try:
        length = len(base64.b64decode(key, validate=True))
    except ValueError:
        raise _Wrong("has an AccountKey that is not base64; copy the whole key") from None
    place = parts.get(f"{service}Endpoint", _suffix(parts))
    if length != _KEY_BYTES and is_azures(place if "://" in place else f"https://{place}"):
        raise _Wrong("has an AccountKey that is not 88 characters long, as Azure's are: copy the whole key")


def _checked_endpoint(
    env: Environment, parts: Mapping[str, str], service: str, cloud: Cloud, *, is_needed: bool
) -> dict[str, str]:
    """Return the part that says where a service is, as it is used; empty for one made of other parts, or for none."""
    name = f"{service}Endpoint"
    if name not in parts and f"{service}SecondaryEndpoint" in parts:
        raise _Wrong(f"has {service}SecondaryEndpoint and no {name}; give both, or neither")
    if name not in parts and not is_needed:
        return {}
    if name not in parts and "AccountName" not in parts:
        raise _Wrong(f"has neither {name} nor AccountName, so nobody knows where the service is; copy the whole string")
    if name in parts:
        url, blamed = parts[name] if "://" in parts[name] else f"https://{parts[name]}", name
    else:
        protocol = parts.get("DefaultEndpointsProtocol", "https").lower()
        url, blamed = f"{protocol}://{parts['AccountName']}.{service.lower()}.{_suffix(parts)}", "EndpointSuffix"
        if protocol not in {"http", "https"}:
            raise _Wrong("has a DefaultEndpointsProtocol that is neither https nor http; set https")
    pattern = _ACCOUNT_NAME if is_azures(url) else _ANY_ACCOUNT_NAME
    if not pattern.fullmatch(parts.get("AccountName", "account")):
        raise _Wrong("has an AccountName that is none: 3 to 24 lower-case letters and digits; correct it")
    used = address(url, schemes=("https", "http"), may_have_path=name in parts)
    if not used:
        raise _Wrong(f"has {'a' if name in parts else 'an'} {blamed} that makes no address of a service; correct it")
    if used.startswith("http:") and is_azures(used):
        raise _Wrong("reaches Azure by http, in the clear; set https")
    _check_host(used, name, parts, cloud)
    note_proxies(env, used)
    return {name: used} if name in parts else {}


def _check_host(url: str, name: str, parts: Mapping[str, str], cloud: Cloud) -> None:
    """Raise _Wrong for an address of another service, cloud or account; `name` is that of its endpoint."""
    wrong = wrong_service(url, name.removesuffix("Endpoint").lower())
    if wrong and name not in parts:
        raise _Wrong(f"has an EndpointSuffix with more than what is behind the service; set {cloud.storage_suffix}")
    if wrong := wrong or cloud.mixed_with(url):
        raise _Wrong(f"has an endpoint that {wrong}")
    # Of Azure's hosts the first label is the account ("Storage account overview").
    account = (urlsplit(url).hostname or "").split(".")[0]
    if is_azures(url) and account != parts.get("AccountName", account):
        raise _Wrong(f"has a {name} that is not of the account AccountName; copy the whole string")


def _suffix(parts: Mapping[str, str]) -> str:
    return parts.get("EndpointSuffix", PUBLIC.storage_suffix).rstrip("/")
