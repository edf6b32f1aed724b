"""The storage accounts of the apps: the emulator, the addresses before it, and who may do what there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sandbox.azure.azurite import ACCOUNTS, Azurite
from sandbox.azure.rights import Rights
from sandbox.azure.storage_proxy import StorageProxy
from sandbox.roles import storage_rights
from sandbox.services import Service

if TYPE_CHECKING:
    from pathlib import Path

    from aiohttp import web

    from sandbox.azure.certificates import ServerCertificate
    from sandbox.azure.identity.tokens import TokenIssuer
    from sandbox.faults.faults import Faults

STORAGE: Final = (Service.BLOBS, Service.QUEUES, Service.TABLES)


class Storage:
    """The accounts of one sandbox: one for each app, and another set of them for each test.

    Args:
        certificate: with one, storage is served over TLS and takes tokens alone, as in Azure; else it takes keys.
        faults: what is scripted to fail.
        authority: the PEM file of the authority that the certificate is from.
        issuer: whose tokens are taken.
    """

    def __init__(
        self, certificate: ServerCertificate | None, faults: Faults, authority: Path, issuer: TokenIssuer
    ) -> None:
        self.azurite = Azurite(certificate)
        self.rights = Rights(issuer)
        self.number = 0
        """Of the accounts that are used now; see sandbox/roles.py."""
        self.takes_tokens = certificate is not None
        self._faults = faults
        self._authority = authority
        self.rights.assign(storage_rights(self.number))

    def add_routes(self, service: Service, app: web.Application, *, by_key: bool = False) -> None:
        """Serve one of the three services; `by_key`: to callers with an account's key, whatever else it takes."""
        rights = self.rights if self.takes_tokens and not by_key else None
        proxy = StorageProxy(service, self.azurite, self._faults, self._authority, rights, keys_only=by_key)
        proxy.add_routes(app)

    def next_accounts(self) -> None:
        """Move on to accounts that nobody used, with the same rights in them. Restarts Azurite after the last."""
        self.number += 1
        if self.number == ACCOUNTS:
            self.number = 0
            self.azurite.stop()
            self.azurite.start()
        self.rights.assign(storage_rights(self.number))
