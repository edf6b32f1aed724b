"""The publisher's tenant: ids of its principals, the audiences of its services, and both token endpoints."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sandbox.azure.certificates import ClientCertificate, client_certificate
from sandbox.azure.identity.client_assertions import ClientAssertions
from sandbox.azure.identity.entra_id import FEDERATION_AUDIENCE, EntraId
from sandbox.azure.identity.managed_identity import ManagedIdentityEndpoint
from sandbox.azure.identity.tokens import Principal, TokenIssuer

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.faults.faults import Faults

TENANT_ID: Final = "7e57ab1e-0000-4000-8000-000000000001"
SERVICE_PRINCIPAL: Final = Principal(
    TENANT_ID, "7e57ab1e-0000-4000-8000-000000000002", "7e57ab1e-0000-4000-8000-000000000003"
)
USER_ASSIGNED: Final = Principal(
    TENANT_ID, "7e57ab1e-0000-4000-8000-000000000004", "7e57ab1e-0000-4000-8000-000000000005"
)
"""The worker's identity, the only one that the publisher's service principal trusts."""
SYSTEM_ASSIGNED: Final = Principal(
    TENANT_ID, "7e57ab1e-0000-4000-8000-000000000006", "7e57ab1e-0000-4000-8000-000000000007"
)
FRONT_IDENTITY: Final = Principal(
    TENANT_ID, "7e57ab1e-0000-4000-8000-00000000000e", "7e57ab1e-0000-4000-8000-00000000000f"
)
API_IDENTITY: Final = Principal(
    TENANT_ID, "7e57ab1e-0000-4000-8000-000000000010", "7e57ab1e-0000-4000-8000-000000000011"
)
LOCAL_IDENTITY: Final = Principal(
    TENANT_ID, "7e57ab1e-0000-4000-8000-000000000012", "7e57ab1e-0000-4000-8000-000000000013"
)
OPERATOR: Final = Principal(TENANT_ID, "04b07795-8ddb-461a-bbee-02f9e1bf7b46", "7e57ab1e-0000-4000-8000-00000000000d")
"""A person of the publisher, signed in with the Azure CLI."""
CERTIFICATE_PASSWORD: Final = "a password of the sandbox"  # noqa: S105 - protects a certificate that lives for a day

STORAGE_AUDIENCE: Final = "https://storage.azure.com"
API_CLIENT_ID: Final = "7e57ab1e-0000-4000-8000-00000000000a"
"""The app registration of the product's own API."""
API_AUDIENCE: Final = f"api://{API_CLIENT_ID}"
AGENT: Final = Principal(TENANT_ID, "7e57ab1e-0000-4000-8000-00000000000b", "7e57ab1e-0000-4000-8000-00000000000c")
"""The managed identity of a workload that calls the product's API."""

LOG_ANALYTICS_AUDIENCE: Final = "https://api.loganalytics.io"
MONITOR_AUDIENCE: Final = "https://monitor.azure.com"


@dataclass
class Directory:
    """Both token endpoints, and the secrets that they accept."""

    folder: Path
    faults: Faults
    client_secret: str = field(repr=False)
    issuer: TokenIssuer = field(default_factory=TokenIssuer)

    def __post_init__(self) -> None:
        self.assertions = ClientAssertions(self.issuer, FEDERATION_AUDIENCE)
        self.entra_id = EntraId(self.issuer, SERVICE_PRINCIPAL, self.client_secret, self.assertions, self.faults)
        self.managed_identity = ManagedIdentityEndpoint(self.issuer, self.faults)
        self._certificates: dict[str | None, ClientCertificate] = {}

    def trust(self, resource_manager_audiences: set[str]) -> None:
        """Issue tokens for the services of the sandbox, and for Resource Manager under these audiences."""
        everywhere = {STORAGE_AUDIENCE, LOG_ANALYTICS_AUDIENCE, MONITOR_AUDIENCE, *resource_manager_audiences}
        self.entra_id.resources = everywhere
        self.managed_identity.resources = everywhere | {FEDERATION_AUDIENCE, API_AUDIENCE}

    def reset(self) -> None:
        """The original secret and certificates, and the federation with the worker's identity alone."""
        self.entra_id.secrets[:] = [self.client_secret]
        self.assertions.federated_object_ids = {USER_ASSIGNED.object_id}
        self.assertions.certificates[:] = self._certificates.values()

    def certificate(self, password: str | None = None) -> ClientCertificate:
        """A certificate that the service principal may sign in with, made on first use (it takes a moment)."""
        if password not in self._certificates:
            self._certificates[password] = client_certificate(self.folder, password)
            self.assertions.certificates.append(self._certificates[password])
        return self._certificates[password]

    def tokens_issued(self) -> dict[str, int]:
        """Tokens handed out since the last reset, by audience, to the service principal and to managed identities."""
        counts = self.entra_id.issued.by_audience()
        for audience, number in self.managed_identity.issued.by_audience().items():
            counts[audience] = counts.get(audience, 0) + number
        return counts
