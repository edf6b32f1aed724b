"""The check of OFFERS, which says what applications are the publisher's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from operations.doctor.checks import Check, Verdict
from publisher.configuration.offers import EVERY_OFFER, OFFERS_SETTING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from publisher.configuration.offers import Offers
    from registry.managed_application import ManagedApplication

_CHECK: Final = f"setting {OFFERS_SETTING}"


def examine_offers(offers: Offers, foreign: Sequence[ManagedApplication]) -> list[Check]:
    """Return what the setting says, and a warning for each registered application that it does not include."""
    if offers.every:
        finding = (
            f"{EVERY_OFFER}: whatever lets the publisher's service principal in counts, also what somebody else has "
            "published with its id"
        )
        next_step = "name your offers (publisher/product) and service-catalog definitions instead"
        return [Check(_CHECK, Verdict.WARNING, finding, next_step)]
    named = f"{len(offers.marketplace)} offers and {len(offers.definitions)} definitions count"
    return [Check(_CHECK, Verdict.OK, named), *map(_foreign, foreign)]


def is_foreign(application: ManagedApplication, offers: Offers) -> bool:
    """Tell whether the registry has an application that the offers do not include; False when its plan is not known."""
    publisher, product, definition = application.plan_publisher, application.plan_product, application.definition_id
    is_known = bool(publisher or product or definition)
    return is_known and not offers.include(publisher=publisher, product=product, definition_id=definition)


def _foreign(application: ManagedApplication) -> Check:
    identity = application.application_id
    made_from = application.definition_id or f"{application.plan_publisher}/{application.plan_product}"
    return Check(
        f"application {identity.name} in {identity.subscription_id}",
        Verdict.WARNING,
        f"is registered, and {OFFERS_SETTING} does not include {made_from}; it is watched as before",
        f"add it to {OFFERS_SETTING}, or `remove` the application",
        str(identity),
    )
