"""Finds the cause of a failure, and what to do next; advice that belongs to another cause is never given."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from operations.doctor.causes.cause import (
    BAD_CERTIFICATE,
    MALFORMED,
    NETWORK_DENIED,
    NO_CONNECTION,
    NO_HOST,
    NO_IDENTITY,
    SERVER_ERROR,
    Service,
)
from operations.doctor.causes.connections import CONNECTIONS
from operations.doctor.causes.monitor import MONITOR
from operations.doctor.causes.resource_manager import RESOURCE_MANAGER
from operations.doctor.causes.storage import STORAGE
from operations.doctor.causes.tokens import TOKENS
from publisher.errors.kinds import MalformedAnswer, NoToken, TransientFailure
from publisher.resource_ids import fold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from operations.doctor.causes.cause import Cause
    from publisher.errors.kinds import AzureFailure

CAUSES: Final[tuple[Cause, ...]] = (*TOKENS, *STORAGE, *RESOURCE_MANAGER, *MONITOR, *CONNECTIONS)
"""What is known, as docs/operations.md shows it."""

_BY_CODE: Final = {(cause.service, fold(code)): cause for cause in CAUSES for code in cause.codes}
_AADSTS: Final = re.compile(r"AADSTS(\d+)", re.ASCII)
_OAUTH: Final = frozenset({"temporarily_unavailable"})
"""The codes of OAuth that stand in the table."""
_NOT_RESOLVED: Final = re.compile(
    r"name or service not known|name resolution|nodename nor servname|getaddrinfo|no address associated|domain name not"
    r" found|dns server returned",
    re.IGNORECASE,
)
_UNTRUSTED: Final = re.compile(r"certificate", re.IGNORECASE)
_NETWORK: Final = re.compile(
    r"private ?link|public network|network security perimeter|network isolation", re.IGNORECASE
)
_ACCOUNTS: Final = frozenset({Service.STORAGE_BY_IDENTITY, Service.STORAGE_BY_KEY})
_UNANSWERED: Final = frozenset({"ConnectionFailed", "NoAnswer", "Timeout", "DeadlineExceeded", "IncompleteAnswer"})


@dataclass(frozen=True, slots=True)
class Where:
    """What was called, and what its next steps name.

    Args:
        service: whom the call was for.
        settings: those that say where the service is.
        role: what the identity needs there.
        identity: the setting that names the managed identity that signs in; "" for a credential of another kind.
        code: what to look up in place of the failure's code, where the caller knows better.
    """

    service: Service
    settings: str
    role: str = ""
    identity: str = "MANAGED_IDENTITY_CLIENT_ID"
    code: str = ""


def explained(failure: AzureFailure, where: Where) -> tuple[str, str]:
    """Return the cause of a failure, "" for one that is not known, and what to do next."""
    cause = next((known for key in _keys(failure, where) if (known := _BY_CODE.get(key))), None)
    if cause is None:
        return "", _unknown(failure)
    words = {"role": where.role, "settings": where.settings, "identity": where.identity}
    next_step = cause.next_step
    for name, value in words.items():
        next_step = next_step.replace(f"{{{name}}}", value)
    if isinstance(failure, TransientFailure) and cause.service is Service.ANY:
        next_step = f"try again; if it stays like this: {next_step}"
    return cause.cause, next_step


def _keys(failure: AzureFailure, where: Where) -> Iterator[tuple[Service, str]]:
    """Yield where a failure's cause may stand in the table, the most telling first."""
    services = (where.service, Service.STORAGE) if where.service in _ACCOUNTS else (where.service,)
    if _is_about_tokens(failure, where):
        if number := _AADSTS.search(f"{failure.code} {failure}"):
            yield Service.SIGN_IN, number[1]
        elif fold(failure.code) in _OAUTH:
            yield Service.SIGN_IN, fold(failure.code)
        elif where.identity and isinstance(failure, NoToken):
            yield Service.OWN_IDENTITY, NO_IDENTITY
    else:
        if failure.status == HTTPStatus.FORBIDDEN and _NETWORK.search(str(failure)):
            yield Service.ANY, NETWORK_DENIED
        for service in services:
            yield service, fold(where.code or failure.code)
        for service in services:
            yield service, str(failure.status)
    yield from ((Service.ANY, key) for key in _ways(failure))


def _is_about_tokens(failure: AzureFailure, where: Where) -> bool:
    is_of_entra = _AADSTS.fullmatch(failure.code) is not None or fold(failure.code) in _OAUTH
    return is_of_entra or isinstance(failure, NoToken) or where.service in {Service.SIGN_IN, Service.OWN_IDENTITY}


def _ways(failure: AzureFailure) -> Iterator[str]:
    """Yield what may have happened on the way to the service, or to all who call it."""
    if failure.code in _UNANSWERED:
        if _NOT_RESOLVED.search(str(failure)):
            yield NO_HOST
        elif _UNTRUSTED.search(str(failure)):
            yield BAD_CERTIFICATE
        yield NO_CONNECTION
    elif isinstance(failure, TransientFailure) and failure.status is None:  # an SDK that could not read the answer
        yield MALFORMED
    is_redirect = failure.status is not None and failure.status // 100 == 3  # noqa: PLR2004
    if is_redirect or isinstance(failure, MalformedAnswer):
        yield MALFORMED
    elif failure.status is not None:
        is_servers = failure.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        yield SERVER_ERROR if is_servers else str(failure.status)


def _unknown(failure: AzureFailure) -> str:
    if number := _AADSTS.search(f"{failure.code} {failure}"):
        return f"look it up: https://login.microsoftonline.com/error?code={number[1]}"
    return "the message says what Azure refuses; docs/operations.md has no cause for its code"
