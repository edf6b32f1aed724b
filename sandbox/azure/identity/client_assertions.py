"""Checks client assertions: JWTs signed with a certificate, and tokens of a managed identity (federation).

Source: https://learn.microsoft.com/entra/identity-platform/certificate-credentials and
https://learn.microsoft.com/entra/workload-id/workload-identity-federation.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import jwt

if TYPE_CHECKING:
    from sandbox.azure.certificates import ClientCertificate
    from sandbox.azure.identity.tokens import TokenIssuer


class AssertionRejectedError(Exception):
    """The assertion is not valid. `code` is Entra ID's AADSTS number."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class ClientAssertions:
    """What one app registration accepts: certificates, and tokens of the managed identities it trusts."""

    def __init__(self, issuer: TokenIssuer, federation_audience: str) -> None:
        self.certificates: list[ClientCertificate] = []
        self.federated_object_ids: set[str] = set()
        self._issuer = issuer
        self._federation_audience = federation_audience

    def check(self, assertion: str, client_id: str, token_endpoint: str) -> None:
        """Accepts a valid assertion for `client_id`; raises AssertionRejectedError for any other."""
        try:
            header = jwt.get_unverified_header(assertion)
        except jwt.InvalidTokenError as error:
            raise AssertionRejectedError(50027, "The client assertion is no JWT.") from error
        if "x5t" in header or "x5t#S256" in header:
            self._check_certificate(assertion, header, client_id, token_endpoint)
        else:
            self._check_federation(assertion)

    def _check_certificate(self, assertion: str, header: dict[str, Any], client_id: str, token_endpoint: str) -> None:
        certificate = next((one for one in self.certificates if _names(header, one)), None)
        if certificate is None:
            raise AssertionRejectedError(700027, "The certificate used to sign the assertion is not registered.")
        try:
            claims = jwt.decode(
                assertion,
                certificate.public_key,
                algorithms=["RS256", "PS256"],
                audience=token_endpoint,
                issuer=client_id,
                options={"require": ["exp", "iss", "sub", "jti"]},
            )
        except jwt.InvalidTokenError as error:
            raise AssertionRejectedError(700027, f"Client assertion failed validation: {error}.") from error
        if claims["sub"] != client_id:
            raise AssertionRejectedError(700021, "Client assertion subject does not match the application.")

    def _check_federation(self, assertion: str) -> None:
        try:
            token = self._issuer.verify(assertion)
        except (jwt.InvalidTokenError, KeyError) as error:
            raise AssertionRejectedError(700212, f"The federated token is not valid: {error}.") from error
        if token.audience != self._federation_audience:
            raise AssertionRejectedError(700212, "No federated credential matches the assertion's audience.")
        if token.object_id not in self.federated_object_ids:
            raise AssertionRejectedError(700213, "No federated credential matches the assertion's subject.")


def _names(header: dict[str, Any], certificate: ClientCertificate) -> bool:
    if "x5t#S256" in header:
        return _decoded(header["x5t#S256"]) == certificate.sha256_thumbprint
    return _decoded(header["x5t"]) == certificate.sha1_thumbprint


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
