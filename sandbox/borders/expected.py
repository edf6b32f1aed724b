"""What each app can reach, and nothing else: what the probe must find, whatever the rights in sandbox/ are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sandbox.borders.probe import EVERYTHING, Findings
from sandbox.roles import Role

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

REACHED: Final[Mapping[Role, Mapping[str, tuple[str, ...]]]] = {
    Role.FRONT: {
        "Identity endpoint": ("be the front's identity",),
        "Blobs of the front": (EVERYTHING,),
        "Queues of the worker": ("send to notifications",),
    },
    Role.WORKER: {
        "Identity endpoint": ("be the worker's identity",),
        "Entra ID": (
            "be the publisher with a token of the worker's identity",
            "be the publisher with AZURE_CLIENT_SECRET",
        ),
        "Resource Manager": (EVERYTHING,),
        "Logs ingestion": ("write rows",),
        "Blobs of the worker": (EVERYTHING,),
        "Queues of the worker": (EVERYTHING,),
        "Tables of the worker": (EVERYTHING,),
    },
    Role.API: {
        "Identity endpoint": ("be the api's identity",),
        "Logs ingestion": ("write audit rows as the api",),
        "Log Analytics": ("query the tables",),
        "Blobs of the api": (EVERYTHING,),
    },
}
"""By role and place, in the words of `Findings.granted`."""


def differences(role: Role, findings: Findings) -> Iterator[str]:
    """Yield, in words, each difference between what an app reached and what it should reach."""
    granted = findings.granted
    for place in findings.tried.keys() | REACHED[role].keys():
        expected, found = REACHED[role].get(place, ()), granted.get(place, ())
        if expected != found:
            yield f"{role} at {place}: expected {_listed(expected)}; found {_listed(found)}"


def _listed(whats: tuple[str, ...]) -> str:
    return ", ".join(whats) or "nothing"
