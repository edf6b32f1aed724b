"""Why a call does not reach a service, or is not answered as services answer."""

from __future__ import annotations

from typing import Final

from operations.doctor.causes.cause import (
    BAD_CERTIFICATE,
    MALFORMED,
    NETWORK_DENIED,
    NO_CONNECTION,
    NO_HOST,
    SERVER_ERROR,
    THROTTLED,
    Cause,
    Service,
    cause_of,
)

CONNECTIONS: Final[tuple[Cause, ...]] = (
    cause_of(
        Service.ANY,
        NETWORK_DENIED,
        "the service is closed to the network that the call comes from",
        "let this network reach it: private endpoint or private link scope. A role does not help",
    ),
    cause_of(
        Service.ANY,
        NO_HOST,
        "there is no host of that name: the resource is not there, or this network's DNS does not know it",
        "check {settings}; in private mode the private DNS zone",
    ),
    cause_of(
        Service.ANY,
        BAD_CERTIFICATE,
        "the certificate of the other side is not trusted: something is in between",
        "is there a proxy or a firewall that opens TLS; check {settings}",
    ),
    cause_of(
        Service.ANY,
        NO_CONNECTION,
        "no answer",
        "check {settings}, and the way to it (firewall, private endpoint)",
    ),
    cause_of(
        Service.ANY,
        THROTTLED,
        "there were too many requests",
        "let fewer be asked at the same time: MAX_CONCURRENT_APPLICATIONS, MAX_CONCURRENT_PER_SUBSCRIPTION",
    ),
    cause_of(
        Service.ANY,
        SERVER_ERROR,
        "the service, or something on the way to it, is out of order",
        "look at Azure's status page; is there a proxy or a gateway in between",
    ),
    cause_of(
        Service.ANY,
        MALFORMED,
        "the answer is none that the service gives: something in between answered",
        "check {settings}; is there a proxy or a gateway in between",
    ),
)
