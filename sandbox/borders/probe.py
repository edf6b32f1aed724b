"""Plays who has broken into an app: with its settings, tries every token that can be had on every service.

The calls are in sandbox/borders/calls.py. `make demo` shows what comes of it, and tests compare it with what should.
"""

from __future__ import annotations

import ssl
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import aiohttp
import orjson

from sandbox.azure.identity.directory import (
    AGENT,
    API_AUDIENCE,
    LOG_ANALYTICS_AUDIENCE,
    MONITOR_AUDIENCE,
    SERVICE_PRINCIPAL,
    STORAGE_AUDIENCE,
)
from sandbox.azure.identity.entra_id import ASSERTION_TYPE, FEDERATION_AUDIENCE
from sandbox.borders.calls import Call, calls
from sandbox.roles import APPS, IDENTITIES
from sandbox.services import Service

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sandbox.borders.calls import Target

EVERYTHING: Final = "everything"
_REFUSALS: Final = frozenset({401, 403})
_PUBLISHER: Final = "the publisher"
_NOBODY: Final = "no token"
_EMPTY_LIST: Final = b'{"value":[]}'
_NOTHING_TO_SEE: Final = "an empty list"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One thing that was tried: at `place`, `what`, with `token` (whose, and for which audience).

    `refusal` is the error code, "" for what was granted: everything that is not plainly refused counts as granted.
    """

    place: str
    what: str
    token: str
    refusal: str


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that was tried with the settings of one app, in order."""

    attempts: tuple[Attempt, ...]

    @property
    def granted(self) -> dict[str, tuple[str, ...]]:
        """What was granted to at least one token, by place, in order; `EVERYTHING` alone for all of several things."""
        found: dict[str, tuple[str, ...]] = {}
        for place, tried in self.tried.items():
            got = {attempt.what for attempt in self.attempts if attempt.place == place and not attempt.refusal}
            if got:
                is_all = len(tried) > 1 and len(got) == len(tried)
                found[place] = (EVERYTHING,) if is_all else tuple(what for what in tried if what in got)
        return found

    @property
    def tried(self) -> dict[str, tuple[str, ...]]:
        """What was tried, each thing once, by place and in order."""
        found: dict[str, dict[str, None]] = {}
        for attempt in self.attempts:
            found.setdefault(attempt.place, {})[attempt.what] = None
        return {place: tuple(whats) for place, whats in found.items()}

    @property
    def refusals(self) -> Counter[str]:
        """How often each error code came back."""
        return Counter(attempt.refusal for attempt in self.attempts if attempt.refusal)


async def break_in(settings: Mapping[str, str], target: Target) -> Findings:
    """Try everything that can be tried with the settings of an app; no other secret is used."""
    context = ssl.create_default_context(cafile=settings["SSL_CERT_FILE"])
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
        return await _Burglar(session, settings, target).everything()


class _Burglar:
    def __init__(self, session: aiohttp.ClientSession, settings: Mapping[str, str], target: Target) -> None:
        self._session = session
        self._settings = settings
        self._target = target
        self._attempts: list[Attempt] = []
        self._tokens: dict[str, str] = {}
        self._assertions: dict[str, str] = {}

    async def everything(self) -> Findings:
        await self._take_tokens_of_identities()
        await self._take_tokens_of_the_publisher()
        for call in calls(self._target):
            await self._attempt(call, _NOBODY, None)
            for name, token in self._tokens.items():
                await self._attempt(call, name, token)
        return Findings(tuple(self._attempts))

    async def _take_tokens_of_identities(self) -> None:
        """Ask the identity endpoint for the tokens of every identity that there is, for every audience."""
        everybody: dict[str, str | None] = {f"the {role}'s identity": IDENTITIES[role].client_id for role in APPS}
        everybody |= {"an agent's identity": AGENT.client_id, _PUBLISHER: SERVICE_PRINCIPAL.client_id}
        everybody |= {"a system-assigned identity": None}
        for who, client_id in everybody.items():
            for audience in (*self._audiences(), API_AUDIENCE, FEDERATION_AUDIENCE):
                query = {"api-version": "2019-08-01", "resource": audience}
                url = self._settings["IDENTITY_ENDPOINT"]
                headers = {"X-IDENTITY-HEADER": self._settings["IDENTITY_HEADER"]}
                async with self._session.get(
                    url, params=query | ({"client_id": client_id} if client_id else {}), headers=headers
                ) as response:
                    answer = await response.json()
                self._note("Identity endpoint", f"be {who}", audience, "" if response.ok else str(response.status))
                if response.ok:
                    self._tokens[f"{who} for {audience}"] = answer["access_token"]
                    if audience == FEDERATION_AUDIENCE:
                        self._assertions[who] = answer["access_token"]

    async def _take_tokens_of_the_publisher(self) -> None:
        """Ask Entra ID for the tokens of the publisher's service principal, with whatever may prove to be it."""
        proofs = {
            f"with a token of {who}": {"client_assertion_type": ASSERTION_TYPE, "client_assertion": token}
            for who, token in self._assertions.items()
        }
        secrets = {name: value for name, value in self._settings.items() if "SECRET" in name or "SIGNATURE" in name}
        proofs |= {f"with {name}": {"client_secret": value} for name, value in secrets.items()}
        proofs |= {"with the app's identity header": {"client_secret": self._settings["IDENTITY_HEADER"]}}
        url = f"{self._target.urls[Service.ENTRA_ID]}/{SERVICE_PRINCIPAL.tenant_id}/oauth2/v2.0/token"
        for how, proof in proofs.items():
            for audience in self._audiences():
                form = {"grant_type": "client_credentials", "scope": f"{audience}/.default"}
                form |= {"client_id": SERVICE_PRINCIPAL.client_id} | proof
                async with self._session.post(url, data=form) as response:
                    answer = await response.json()
                refusal = "" if response.ok else answer["error_description"].partition(":")[0]
                self._note("Entra ID", f"be {_PUBLISHER} {how}", audience, refusal)
                if response.ok:
                    self._tokens[f"{_PUBLISHER} for {audience}"] = answer["access_token"]

    async def _attempt(self, call: Call, who: str, token: str | None) -> None:
        headers = {**call.headers} | ({"Authorization": f"Bearer {token}"} if token else {})
        async with self._session.request(call.method, call.url, headers=headers, data=call.body) as response:
            content = await response.read()
        self._note(call.place, call.what, who, _refusal(response, content))

    def _note(self, place: str, what: str, token: str, refusal: str) -> None:
        self._attempts.append(Attempt(place, what, token, refusal))

    def _audiences(self) -> Iterable[str]:
        return (self._target.urls[Service.RESOURCE_MANAGER], STORAGE_AUDIENCE, MONITOR_AUDIENCE, LOG_ANALYTICS_AUDIENCE)


def _refusal(response: aiohttp.ClientResponse, content: bytes) -> str:
    """Return the error code of a refusal, "" for none. Resource Manager refuses lists by leaving them empty."""
    if response.status not in _REFUSALS:
        return _NOTHING_TO_SEE if content == _EMPTY_LIST and "x-ms-version" not in response.headers else ""
    if code := response.headers.get("x-ms-error-code"):
        return code
    try:
        return str(orjson.loads(content)["error"]["code"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return str(response.status)
