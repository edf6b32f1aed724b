"""The check of the tokens that an identity gets."""

from __future__ import annotations

import time
from base64 import urlsafe_b64decode
from typing import TYPE_CHECKING, Any, Final

import orjson

from operations.doctor.causes.cause import Service
from operations.doctor.causes.table import Where
from operations.doctor.checks import ATTEMPTS, SECONDS_PER_CHECK, Check, Verdict
from publisher.credentials import own_identity_credential
from publisher.errors.kinds import AzureFailure
from publisher.retry import with_retries

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

    from publisher.settings import ServicePrincipal

STORAGE_AUDIENCE: Final = "https://storage.azure.com"

_SIGN_IN: Final = "AZURE_AUTHORITY_HOST"
_ENDPOINT: Final = "that this runs in Azure: only there is an endpoint for the tokens of managed identities"


async def examine_own_token(purpose: str, client_id: str | None, audience: str) -> Check:
    """Return whether the app's own identity gets a token for an audience; `purpose` says what for."""
    async with own_identity_credential(client_id) as credential:
        return await examine_token(f"own identity, for {purpose}", credential, audience)


async def examine_token(
    name: str, credential: AsyncTokenCredential, audience: str, principal: ServicePrincipal | None = None
) -> Check:
    """Return whether an identity gets a token for an audience, and the object id in it.

    `principal` is the service principal, None for the own identity.
    """
    tenant_id = principal.tenant_id if principal else ""
    try:
        token = await with_retries(
            lambda: credential.get_token(f"{audience}/.default"),
            deadline=time.monotonic() + SECONDS_PER_CHECK,
            attempts=ATTEMPTS,
        )
    except AzureFailure as failure:
        where = Where(Service.OWN_IDENTITY, _ENDPOINT)
        if principal:
            where = Where(Service.SIGN_IN, _SIGN_IN, identity=identity_setting(principal))
        return Check.of_failure(f"token: {name}", failure, where)
    claims = _claims(token.token)
    object_id = claims.get("oid")
    finding = f"for {audience}" + (f", object id {object_id}" if isinstance(object_id, str) else "")
    if tenant_id and claims.get("tid", tenant_id).lower() != tenant_id.lower():
        finding = f"the token is of another tenant than {tenant_id}"
        return Check(f"token: {name}", Verdict.FAILED, finding, "set AZURE_TENANT_ID to the publisher's tenant")
    if tenant_id:
        finding += ": this is what the plan's authorizations have to name"
    return Check(f"token: {name}", Verdict.OK, finding)


def identity_setting(principal: ServicePrincipal) -> str:
    """Return the setting that names the managed identity with which the service principal signs in; "" for none."""
    return "PUBLISHER_FEDERATED_IDENTITY_CLIENT_ID" if principal.federated_identity_client_id else ""


def _claims(token: str) -> dict[str, Any]:
    """Return the claims of a token, {} when it is no JWT, which Azure does not promise."""
    try:
        payload = token.split(".")[1]
        claims = orjson.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}
