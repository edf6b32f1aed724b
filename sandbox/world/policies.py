"""The policies that the sandbox's plan assigns: built-in definitions, and an initiative.

Ids and display names of built-in definitions are Azure's own
(https://learn.microsoft.com/azure/governance/policy/samples/built-in-policies).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

STORAGE = "Microsoft.Storage/storageAccounts"
KEY_VAULT = "Microsoft.KeyVault/vaults"
WEB_APP = "Microsoft.Web/sites"


@dataclass(frozen=True, slots=True)
class PolicyDefinition:
    """One rule. `scope` is empty for a built-in, else the subscription or management group that holds it."""

    name: str
    display_name: str
    resource_type: str
    effect: str = "audit"
    category: str = "Security"
    scope: str = ""
    roles: tuple[str, ...] = ()
    """The names of the roles that its deployments need."""
    version: str = "1.0.0"
    earlier: tuple[PolicyDefinition, ...] = ()
    """Its earlier versions, which Azure keeps."""

    @property
    def id(self) -> str:
        """The definition's ARM id."""
        return f"{self.scope}/providers/Microsoft.Authorization/policyDefinitions/{self.name}"


@dataclass(frozen=True, slots=True)
class PolicySet:
    """An initiative: rules, each under a reference id. One rule can be in it twice under two references."""

    name: str
    display_name: str
    members: tuple[tuple[str, PolicyDefinition], ...]
    scope: str = ""
    version: str = "1.0.0"

    @property
    def id(self) -> str:
        """The initiative's ARM id."""
        return f"{self.scope}/providers/Microsoft.Authorization/policySetDefinitions/{self.name}"


@dataclass(frozen=True, slots=True)
class Assignment:
    """A rule or an initiative assigned to `scope`: the managed resource group, something inside it or above it.

    `properties` are further ones as ARM spells them: notScopes, parameters, overrides and so on. `changed_at` is when
    it was last written, None for long ago. `identity` is the principal of its system-assigned identity, "" for none.
    """

    name: str
    display_name: str
    definition: PolicyDefinition | PolicySet
    scope: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict, hash=False)
    changed_at: dt.datetime | None = None
    identity: str = ""

    @property
    def id(self) -> str:
        """The assignment's ARM id."""
        return f"{self.scope}/providers/Microsoft.Authorization/policyAssignments/{self.name}"

    @property
    def references(self) -> tuple[tuple[str | None, PolicyDefinition], ...]:
        """Each (reference id, rule) that is evaluated; the reference id is None outside an initiative."""
        if isinstance(self.definition, PolicySet):
            return self.definition.members
        return ((None, self.definition),)


@dataclass(frozen=True, slots=True)
class Exemption:
    """Somebody's word that an assignment (by id) need not be kept until `expires_at`; None: for ever.

    `references` are the rules of an initiative that are exempted, none: all. `scope` is where it stands, "" for the
    managed resource group.
    """

    name: str
    assignment_id: str
    expires_at: dt.datetime | None
    category: str = "Waiver"
    created_by: str = ""
    references: tuple[str, ...] = ()
    scope: str = ""


SECURE_TRANSFER = PolicyDefinition(
    "404c3081-a854-4457-ae30-26a93ef643f9", "Secure transfer to storage accounts should be enabled", STORAGE
)
STORAGE_NETWORK = PolicyDefinition(
    "34c877ad-507e-4c82-993e-3452a6e0ad3c", "Storage accounts should restrict network access", STORAGE
)
KEY_VAULT_PURGE = PolicyDefinition(
    "0b60c0b2-2dc2-4e1c-b5c9-abbed971de53", "Key vaults should have deletion protection enabled", KEY_VAULT
)
KEY_VAULT_SOFT_DELETE = PolicyDefinition(
    "1e66c121-a66a-4b1f-9b83-0fd99bf0fc2d", "Key vaults should have soft delete enabled", KEY_VAULT
)
WEB_HTTPS = PolicyDefinition(
    "a4af4a39-4135-47fb-b175-47fbdf85311d", "App Service apps should only be accessible over HTTPS", WEB_APP
)
REQUIRED_TAG = PolicyDefinition(
    "871b6d14-10aa-478d-b590-94f262ecfa99", "Require a tag on resources", "", "deny", "Tags"
)
LOCATIONS = PolicyDefinition(
    "e56962a6-4747-49cd-b67b-bf8b01975c4c", "Allowed locations", "", effect="deny", category="General"
)

STORAGE_CONTRIBUTOR = "17d1049b-9a84-46fb-8f53-869881c3d3ab"
MONITORING_CONTRIBUTOR = "749f88d5-cbae-40b8-bcfc-e573ddc772fa"
LOG_ANALYTICS_CONTRIBUTOR = "92aaf0da-9dab-42b6-94a3-d43ce8d16293"
CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"
ROLE_NAMES = {
    STORAGE_CONTRIBUTOR: "Storage Account Contributor",
    MONITORING_CONTRIBUTOR: "Monitoring Contributor",
    LOG_ANALYTICS_CONTRIBUTOR: "Log Analytics Contributor",
    CONTRIBUTOR: "Contributor",
    OWNER: "Owner",
    SECRETS_USER: "Key Vault Secrets User",
}
"""Built-in roles (https://learn.microsoft.com/azure/role-based-access-control/built-in-roles)."""

NO_PUBLIC_BLOBS = PolicyDefinition(
    "13502221-8df0-4414-9937-de9c5c4e396b",
    "Configure your Storage account public access to be disallowed",
    STORAGE,
    effect="modify",
    category="Storage",
    roles=(STORAGE_CONTRIBUTOR,),
)
STORAGE_LOGS = PolicyDefinition(
    "59759c62-9a22-4cdf-ae64-074495983fef",
    "Configure diagnostic settings for Storage Accounts to Log Analytics workspace",
    STORAGE,
    effect="deployIfNotExists",
    category="Storage",
    roles=(MONITORING_CONTRIBUTOR, LOG_ANALYTICS_CONTRIBUTOR),
)
POLICY_IDENTITY = "7e57ab1e-0000-4000-8000-0000000000ac"
"""The principal of the identity that repairs."""

NO_PUBLIC_BLOBS_ASSIGNMENT = Assignment(
    "no-public-blobs", "Storage has no public blobs", NO_PUBLIC_BLOBS, identity=POLICY_IDENTITY
)

REPAIRS = PolicySet(
    "7e57ab1e-0000-4000-8000-0000000000ad",
    "What Azure Policy repairs by itself",
    (("noPublicBlobs", NO_PUBLIC_BLOBS), ("storageLogs", STORAGE_LOGS), ("vaultPurgeProtection", KEY_VAULT_PURGE)),
)
"""An invented initiative of three effects: modify, deployIfNotExists and audit."""

BASELINE = PolicySet(
    "5a1f7e0c-9d2b-4c38-a6e1-3b8f0c2d4e6a",
    "Security baseline of the application",
    (
        ("vaultPurgeProtection", KEY_VAULT_PURGE),
        ("vaultSoftDelete", KEY_VAULT_SOFT_DELETE),
        ("storageNetworkInternal", STORAGE_NETWORK),
        ("storageNetworkExternal", STORAGE_NETWORK),
    ),
)
"""An invented initiative. It holds one rule under two references, as real initiatives do."""

PLAN_ASSIGNMENTS = (
    Assignment("secure-transfer", "Storage only accepts HTTPS", SECURE_TRANSFER),
    Assignment("web-https", "Web applications only accept HTTPS", WEB_HTTPS),
    Assignment("baseline", "Security baseline", BASELINE),
)
"""What the plan assigns to each managed resource group (the scope is filled in per customer)."""
