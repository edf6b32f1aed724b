"""What the registry knows about a managed application, and about a row that it cannot read."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from publisher.resource_ids import ApplicationId, ResourceGroupId

ARM_TEXTS: Final = (
    "plan_publisher",
    "plan_product",
    "plan_name",
    "plan_version",
    "definition_id",
    "location",
    "kind",
    "provisioning_state",
)
"""What ARM says about an application in one text each: the names of the fields, and of the columns in the table."""


@dataclass(frozen=True, slots=True)
class Posture:
    """What a policy assignment judges, in a form in which two assignments can be compared.

    Ids are folded, collections sorted, what Azure leaves out has its default; `{group}` stands for the id of the
    assignment's resource group. `parameters` has each parameter's folded name and its value as JSON, a hash of it where
    that is long. `selectors` and `overrides` are JSON, "" for none. `disabled` has the folded references of an
    initiative whose effect is Disabled, and "" for an assignment of a single definition; it is None when the definition
    could not be read. `digest` is set in place of parameters, notScopes, selectors and overrides that did not fit into
    the registry's row (registry.policies.digests). `changed_at`, when Azure says that the assignment was last written,
    is not compared.
    """

    definition_version: str = ""
    parameters: tuple[tuple[str, str], ...] = ()
    not_scopes: tuple[str, ...] = ()
    selectors: str = ""
    overrides: str = ""
    enforced: bool = True
    disabled: tuple[str, ...] | None = None
    digest: str = ""
    references: int = 1
    """Definitions that the assignment assigns: how many references an initiative has."""
    at_default: tuple[str, ...] = field(default=(), compare=False)
    """Parameters whose value is the definition's default, as far as that could be read: absence is the same."""
    changed_at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ExpectedAssignment:
    """A policy assignment that the application owns; display names are "" when they could not be read.

    `posture` is None on rows of older versions of this program, until the next refresh.
    """

    id: str
    display_name: str
    definition_id: str
    definition_display_name: str
    posture: Posture | None = None


@dataclass(frozen=True, slots=True)
class Exemption:
    """A policy exemption of one of the application's assignments. Ids are folded, texts "" where Azure has none.

    `reference_ids` are the definitions of an initiative that are exempted; none means all. `category` is Waiver or
    Mitigated.
    """

    id: str
    assignment_id: str
    reference_ids: tuple[str, ...] = ()
    category: str = ""
    expires_at: datetime | None = None
    created_by: str = ""
    display_name: str = ""


@dataclass(frozen=True, slots=True)
class ManagedApplication:
    """An application in the registry. Texts are "" and times None where nothing is known.

    `assignments` is None as long as the application's own assignments are not known, which is not the same as none.
    `definition_names` has the folded id and the display name of each definition inside the assigned initiatives.
    `customer_name` is what the operator set, else the subscription id. `access_lost_at` is when ARM first denied us the
    application. `exemptions` is None as long as they are not known, `assignments_read_at` is when the assignments last
    could be read, `exemptions_read_at` the same of exemptions. `registered_at` is when the application was registered
    anew after a confirmed removal, None when it never was.
    """

    application_id: ApplicationId
    managed_resource_group_id: ResourceGroupId
    customer_name: str
    plan_publisher: str = ""
    plan_product: str = ""
    plan_name: str = ""
    plan_version: str = ""
    definition_id: str = ""
    location: str = ""
    kind: str = ""
    provisioning_state: str = ""
    assignments: tuple[ExpectedAssignment, ...] | None = None
    exemptions: tuple[Exemption, ...] | None = None
    definition_names: tuple[tuple[str, str], ...] = ()
    assignments_read_at: datetime | None = None
    exemptions_read_at: datetime | None = None
    registered_at: datetime | None = None
    event_time: datetime | None = None
    refreshed_at: datetime | None = None
    access_lost_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Removal:
    """When an application was taken out of the registry, by whom and why.

    `confirmed` tells that ARM itself called the application gone, or that an operator removed it. Without that, Azure
    told of a deletion, and ARM denied us the application and its managed resource group. `by` is "Azure", or the name
    of the operator. `at` is None where the row does not tell it, or nobody can read what it tells.
    """

    at: datetime | None
    confirmed: bool
    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Removed:
    """An application whose row is a tombstone.

    `removal` is None where nothing was removed: Azure told of the deletion of an application that had no row.
    """

    application_id: ApplicationId
    removal: Removal | None
    is_operators: bool
    """An operator took it out of monitoring."""


@dataclass(frozen=True, slots=True)
class MalformedRow:
    """A row that cannot be collected: its keys as `name`, the reason, and the application as far as it is known.

    `access_lost_at` is set for an application that ARM has denied us since we were told of it.
    """

    name: str
    reason: str
    subscription_id: str = ""
    application_id: ApplicationId | None = None
    access_lost_at: datetime | None = None
