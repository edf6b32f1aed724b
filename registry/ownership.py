"""Whether an application is the publisher's: what it was deployed from, and whom its managed resource group obeys.

Anybody can deploy a managed application of his own and tell us of it. So what ARM says of an application is held
against the offers that are the publisher's before it is registered.
"""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from publisher.configuration.offers import Offers
from publisher.errors.absence import says_gone
from publisher.errors.kinds import MalformedAnswer, NotFound, RequestRefused, TransientFailure
from publisher.resource_ids import ApplicationId, InvalidResourceId, ResourceGroupId, fold
from publisher.resource_manager import Application, ResourceManager, text_at

GROUPS_API_VERSION: Final = "2021-04-01"


class NotOurs(RequestRefused):
    """ARM knows the application, and it is not the publisher's; the message says why."""

    def __init__(self, why: str) -> None:
        super().__init__(why, code="NotOurs")


class GroupMissing(TransientFailure):
    """ARM says that an application's managed resource group does not exist: of a new application that may pass."""


@dataclass(frozen=True, slots=True)
class Ownership:
    """What makes an application the publisher's: `offers`, and the publisher's tenant where ARM names one."""

    offers: Offers
    tenant_id: str

    def refusal(self, application: Application) -> str:
        """Return why what ARM says of an application makes it another publisher's, "" for nothing."""
        if not self.offers.include(
            publisher=application.plan_publisher,
            product=application.plan_product,
            definition_id=application.definition_id,
        ):
            return "OFFERS includes neither its plan nor its definition"
        tenant = application.publisher_tenant_id
        return "it was published from another tenant" if tenant and fold(tenant) != fold(self.tenant_id) else ""

    async def check(self, arm: ResourceManager, application: Application, deadline: float) -> None:
        """Raise NotOurs for an application that is not the publisher's, other AzureFailures when that is not told.

        `deadline` is in seconds of `time.monotonic`.
        """
        if refusal := self.refusal(application):
            raise NotOurs(refusal)
        manager = await _manager_of(arm, application.group, deadline)
        if not _is(manager, application.id):
            raise NotOurs("its managed resource group is managed by something else")


async def _manager_of(arm: ResourceManager, group: ResourceGroupId, deadline: float) -> str:
    """Return what manages a resource group, "" for nothing; raise the AzureFailure when that is not told."""
    try:
        answer = await arm.get(quote(str(group), safe="/()"), api_version=GROUPS_API_VERSION, deadline=deadline)
    except NotFound as failure:
        # Not the application's absence, as a NotFound of ours would say.
        kind = GroupMissing if says_gone(failure, group) else TransientFailure
        raise kind(f"its managed resource group: {failure}", code=failure.code, status=failure.status) from failure
    try:
        described: ResourceGroupId | None = ResourceGroupId.parse(text_at(answer, "id"))
    except InvalidResourceId:
        described = None
    if described != group:
        raise MalformedAnswer("the answer describes another resource group, or none", code="MalformedAnswer")
    return text_at(answer, "managedBy")


def _is(manager: str, application_id: ApplicationId) -> bool:
    try:
        return ApplicationId.parse(manager) == application_id
    except InvalidResourceId:
        return False
