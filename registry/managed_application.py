"""What the registry knows about a managed application, and about a row that it cannot read."""

from dataclasses import dataclass
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
class ExpectedAssignment:
    """A policy assignment that the application owns; display names are "" when they could not be read."""

    id: str
    display_name: str
    definition_id: str
    definition_display_name: str


@dataclass(frozen=True, slots=True)
class ManagedApplication:
    """An application in the registry. Texts are "" and times None where nothing is known.

    `assignments` is None as long as the application's own assignments are not known, which is not the same as none.
    `definition_names` has the folded id and the display name of each definition inside the assigned initiatives.
    `customer_name` is what the operator set, else the subscription id. `access_lost_at` is when ARM first denied us the
    application.
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
    definition_names: tuple[tuple[str, str], ...] = ()
    event_time: datetime | None = None
    refreshed_at: datetime | None = None
    access_lost_at: datetime | None = None


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
