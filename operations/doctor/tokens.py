"""The check of the tokens that an identity gets."""

from __future__ import annotations

import time
from base64 import urlsafe_b64decode
from typing import TYPE_CHECKING, Any, Final

import orjson

from operations.doctor.checks import ATTEMPTS, SECONDS_PER_CHECK, Check, Verdict
from publisher.credentials import own_identity_credential
from publisher.errors.kinds import AzureFailure
from publisher.retry import with_retries

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

STORAGE_AUDIENCE: Final = "https://storage.azure.com"

_NEXT_STEPS: Final = {
    "service": "check AZURE_TENANT_ID and AZURE_CLIENT_ID, and the credential: has the secret or certificate expired, "
    "does the registration trust the federated identity, may this host use it",
    "own": "run where the app runs: only there is its managed identity. Is it assigned to the host, and is "
    "MANAGED_IDENTITY_CLIENT_ID its client id",
}


async def examine_own_token(purpose: str, client_id: str | None, audience: str) -> Check:
    """Return whether the app's own identity gets a token for an audience; `purpose` says what for."""
    async with own_identity_credential(client_id) as credential:
        return await examine_token(f"own identity, for {purpose}", credential, audience)


async def examine_token(name: str, credential: AsyncTokenCredential, audience: str, tenant_id: str = "") -> Check:
    """Return whether an identity gets a token for an audience, and the object id in it.

    `tenant_id` is the expected tenant of the service principal, "" for the own identity.
    """
    try:
        token = await with_retries(
            lambda: credential.get_token(f"{audience}/.default"),
            deadline=time.monotonic() + SECONDS_PER_CHECK,
            attempts=ATTEMPTS,
        )
    except AzureFailure as failure:
        return Check.of_failure(f"token: {name}", failure, _NEXT_STEPS["service" if tenant_id else "own"])
    claims = _claims(token.token)
    principal = claims.get("oid")
    finding = f"for {audience}" + (f", object id {principal}" if isinstance(principal, str) else "")
    if tenant_id and claims.get("tid", tenant_id).lower() != tenant_id.lower():
        finding = f"the token is of another tenant than {tenant_id}"
        return Check(f"token: {name}", Verdict.FAILED, finding, "set AZURE_TENANT_ID to the publisher's tenant")
    if tenant_id:
        finding += ": this is what the plan's authorizations have to name"
    return Check(f"token: {name}", Verdict.OK, finding)


def _claims(token: str) -> dict[str, Any]:
    """Return the claims of a token, {} when it is no JWT, which Azure does not promise."""
    try:
        payload = token.split(".")[1]
        claims = orjson.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}
