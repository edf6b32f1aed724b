"""Which managed applications are the publisher's: the offers and service-catalog definitions that a setting names."""

import re
from dataclasses import dataclass
from typing import Final

from publisher.environment import Environment
from publisher.resource_ids import fold

OFFERS_SETTING: Final = "OFFERS"
EVERY_OFFER: Final = "*"

_PLAN_PART: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
_OFFER: Final = re.compile(rf"{_PLAN_PART}/{_PLAN_PART}")
_DEFINITION: Final = re.compile(
    r"/?subscriptions/[0-9a-f-]{36}/resourceGroups/[^/\s,]{1,90}/providers/Microsoft\.Solutions/"
    r"applicationDefinitions/[^/\s,]{1,64}",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Offers:
    """The applications that count. All texts are folded.

    `marketplace` has (publisher, product) of each Marketplace offer, `definitions` the resource id of each
    service-catalog definition, without a slash at its beginning. `every` tells that any application counts.
    """

    marketplace: frozenset[tuple[str, str]] = frozenset()
    definitions: frozenset[str] = frozenset()
    every: bool = False

    def include(self, *, publisher: str, product: str, definition_id: str) -> bool:
        """Tell whether an application with this plan, or of this definition, is one of the publisher's."""
        if self.every:
            return True
        if (fold(publisher), fold(product)) in self.marketplace:
            return True
        return bool(definition_id) and fold(definition_id).lstrip("/") in self.definitions


def offers_from(env: Environment) -> Offers:
    """Return the offers; problems are noted in `env`.

    The setting has `publisher/product` of each offer and the resource id of each definition, separated by commas or
    white space, or only `*`.
    """
    hint = "name what counts as yours: publisher/product of each offer, and the resource id of each definition"
    value = env.text(OFFERS_SETTING, hint=hint)
    given = [one for one in re.split(r"[\s,]+", value) if one]
    if value and not given:
        env.problem(OFFERS_SETTING, f"names nothing; {hint}")
    if given == [EVERY_OFFER]:
        return Offers(every=True)
    for one in given:
        if one == EVERY_OFFER:
            env.problem(OFFERS_SETTING, "names offers beside *; keep one of the two")
        elif not _OFFER.fullmatch(one) and not _DEFINITION.fullmatch(one):
            env.problem(OFFERS_SETTING, f"has {one[:100]!a}, which is neither publisher/product nor a definition's id")
    pairs = [tuple(fold(one).split("/")) for one in given if _OFFER.fullmatch(one)]
    return Offers(
        marketplace=frozenset((publisher, product) for publisher, product in pairs),
        definitions=frozenset(fold(one).lstrip("/") for one in given if _DEFINITION.fullmatch(one)),
    )
