"""Why there is no token.

Sources: "Microsoft Entra authentication and authorization error codes" (learn.microsoft.com/entra/identity-platform/
reference-error-codes); for federated credentials also "Important considerations and restrictions for federated identity
credentials" (learn.microsoft.com/entra/workload-id); for 7000214, 7000216, 7000229, 700024, 70021, 700211 to 700213,
900023, 1000502 and 1002012 the messages in public reports, which say the same everywhere.
"""

from __future__ import annotations

from typing import Final

from operations.doctor.causes.cause import NO_IDENTITY, ONE_CLOUD, SET_THE_CLOCK, Cause, Service, cause_of

_ROTATE: Final = "docs/operations.md, Rotate the credential"
_FEDERATED: Final = "run `azd hooks run postdeploy`, which prints the right one"

TOKENS: Final[tuple[Cause, ...]] = (
    cause_of(Service.SIGN_IN, "7000222", "the client secret has expired", f"make a new one: {_ROTATE}"),
    cause_of(
        Service.SIGN_IN,
        "7000215, 70002",
        "AZURE_CLIENT_SECRET is no secret of the registration",
        "set a secret's value, not its id; if it was deleted, make a new one",
    ),
    cause_of(
        Service.SIGN_IN,
        "7000216, 7000218",
        "the request lacked a credential that the registration takes",
        "set one of PUBLISHER_FEDERATED_IDENTITY_CLIENT_ID, AZURE_CLIENT_CERTIFICATE and AZURE_CLIENT_SECRET",
    ),
    cause_of(
        Service.SIGN_IN,
        "700016, 700011",
        "the tenant has no such application",
        "compare AZURE_CLIENT_ID (the application id, not an object id) and AZURE_TENANT_ID with the registration",
    ),
    cause_of(
        Service.SIGN_IN,
        "7000229",
        "the registration has no service principal in the tenant",
        "make it with `az ad sp create --id <AZURE_CLIENT_ID>`; the plan's authorizations have to name its object id",
    ),
    cause_of(
        Service.SIGN_IN,
        "7000112",
        "the application is disabled",
        "enable it: Entra admin center > Enterprise applications > Properties > Enabled for users to sign in",
    ),
    cause_of(
        Service.SIGN_IN,
        "90002, 900023, 50059, 50128",
        "there is no such tenant",
        "set AZURE_TENANT_ID to the publisher's tenant id; if it is right, AZURE_AUTHORITY_HOST is of another cloud",
    ),
    cause_of(Service.SIGN_IN, "90038, 900382, 900432", "the tenant is of another cloud", ONE_CLOUD),
    cause_of(
        Service.SIGN_IN,
        "50049",
        "AZURE_AUTHORITY_HOST is no cloud's sign-in",
        "leave it out for the public cloud, or set your cloud's",
    ),
    cause_of(
        Service.SIGN_IN,
        "700213",
        "no federated credential of the registration has the subject of the worker's identity",
        f"correct its subject, the identity's object id (another once the identity was made anew): {_FEDERATED}",
    ),
    cause_of(
        Service.SIGN_IN,
        "700211",
        "no federated credential of the registration has the issuer of the worker's identity",
        f"correct its issuer, which has the id of the publisher's tenant: {_FEDERATED}",
    ),
    cause_of(
        Service.SIGN_IN,
        "700212",
        "no federated credential of the registration has the audience of the cloud",
        f"correct its audience: {_FEDERATED}",
    ),
    cause_of(
        Service.SIGN_IN,
        "70021",
        "no federated credential of the registration fits the worker's identity",
        f"compare issuer, subject and audience, and wait some minutes after a change: {_FEDERATED}",
    ),
    cause_of(
        Service.SIGN_IN,
        "700222",
        "the token that was exchanged is none of a managed identity that may be trusted",
        "PUBLISHER_FEDERATED_IDENTITY_CLIENT_ID has to name a user-assigned managed identity of the publisher's tenant",
    ),
    cause_of(
        Service.SIGN_IN,
        "700027, 50012, 700030",
        "the certificate is not one that the registration has",
        "upload the public part of the certificate that the app uses to the registration",
    ),
    cause_of(Service.SIGN_IN, "1000502", "the certificate has expired, or is not yet valid", f"replace it: {_ROTATE}"),
    cause_of(Service.SIGN_IN, "7000214", "the certificate was revoked", f"replace it: {_ROTATE}"),
    cause_of(
        Service.SIGN_IN, "700024, 500133", "the assertion was too old or too new: the clock is wrong", SET_THE_CLOCK
    ),
    cause_of(
        Service.SIGN_IN,
        "53003, 530032",
        "a Conditional Access policy of the publisher's tenant blocks the service principal",
        "Entra admin center > Sign-in logs > Service principal sign-ins names it: exclude the service principal there",
    ),
    cause_of(
        Service.SIGN_IN,
        "65001, 90094",
        "consent is missing",
        "an administrator of the publisher's tenant consents to the registration's permissions",
    ),
    cause_of(Service.SIGN_IN, "500011, 1002012, 70011", "the tenant does not know what the token is for", ONE_CLOUD),
    cause_of(
        Service.SIGN_IN,
        "90033, 50033, 90024, 90055, 90006, 90090, 50196, temporarily_unavailable",
        "Entra ID is out of order or overloaded",
        "wait, and look at Azure's status page",
    ),
    cause_of(
        Service.OWN_IDENTITY,
        NO_IDENTITY,
        "there is no such managed identity here",
        "run where the app runs: only there is its identity. Is it assigned to the host, and does {identity} have its "
        "client id",
    ),
)
