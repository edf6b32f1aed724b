"""Where a notification was sent to: what is wrong with the address that was entered in the plan.

Azure appends `/resource` to its path and keeps its query (azure-docs `publish-notifications.md`). Texts about a mistake
quote nothing of the address, because both secrets may stand anywhere in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

RIGHT_ADDRESS: Final = "https://<host>/api?code=<function key>&sig=<signature>"

_ADDED: Final = "/resource"
_RIGHT_PATH: Final = "/api/resource"


@dataclass(frozen=True, slots=True)
class Addressed:
    """The signature in a request's address, None for none or several; `mistake` is "" for an address without one."""

    signature: str | None = field(repr=False)
    mistake: str = ""

    @classmethod
    def of(cls, url: str, query: Mapping[str, str]) -> "Addressed":
        """Return what a request's address says; `query` has its parameters, whose names may be in any casing."""
        given = [value for name, value in query.items() if name.lower() == "sig"]
        signature = given[0] if len(given) == 1 else None
        if any(value.lower().rstrip("/").endswith(_ADDED) for value in query.values()):
            return cls(signature, f"{_ADDED} was appended to its query, which has to be its last part")
        return cls(signature, _mistake_in(_path(url)))


def _path(url: str) -> str:
    try:
        return unquote(urlsplit(url).path).rstrip("/").lower()
    except ValueError:
        return ""


def _mistake_in(path: str) -> str:
    if path == _RIGHT_PATH:
        return ""
    if path == _RIGHT_PATH + _ADDED:
        return f"it ends with {_ADDED}, which Azure appends by itself"
    if "//" in path:
        return "it has two slashes one after the other, or one before the ?"
    if "=" in path or "&" in path:
        return "its query does not begin with a ?"
    return "its path is not /api"
