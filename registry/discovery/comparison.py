"""What Azure shows, held against what the registry has: pure, and in one place for the command and the nightly job."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from publisher.resource_ids import ApplicationId
from registry.managed_application import Removed
from registry.rows import time_text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from publisher.resource_manager import Application
    from registry.discovery.known import Known
    from registry.discovery.search import Searched

UNKNOWN: Final = "It was not in the registry, and Azure shows it to us"


@dataclass(frozen=True, slots=True)
class Discovery:
    """What a search found. Applications are given with a reason for people where there is one.

    `searched` counts the subscriptions that were read to their end, `shown` the applications of anybody. `unread` are
    the subscriptions that were not read to their end; `out_of_sight` those that ARM denies us and does not list, and
    where everybody whom we knew has left: they are told, and do not make the search incomplete, as the rest of the
    world does not. `is_quick` tells that only Resource Graph was asked, which may leave out anything. `problems` has
    what else keeps it from being complete, `notes` what does not.

    `missing` are to be registered. `left_alone` were removed by an operator and live. `unusable` cannot be registered
    by anything done here, `foreign` are not the publisher's, `going` are being deleted. `unseen` are registered, in
    subscriptions that were read to their end, and ARM's list does not show them, which is no proof of anything.
    """

    searched: int = 0
    shown: int = 0
    unread: tuple[Searched, ...] = ()
    out_of_sight: tuple[Searched, ...] = ()
    is_quick: bool = False
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    missing: Mapping[ApplicationId, str] = field(default_factory=dict)
    left_alone: Mapping[ApplicationId, Removed] = field(default_factory=dict)
    unusable: Mapping[ApplicationId, str] = field(default_factory=dict)
    foreign: Mapping[ApplicationId, str] = field(default_factory=dict)
    going: tuple[ApplicationId, ...] = ()
    unseen: tuple[ApplicationId, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether everything was read in which an application of ours may be."""
        return not (self.unread or self.problems or self.is_quick)


def unclear_in(searched: Iterable[Searched]) -> frozenset[ApplicationId]:
    """Return the applications of which ARM's lists do not say enough, or not the same each time, to judge by them.

    Whose an application is tells its plan or definition; without a managed resource group it cannot be registered.
    """
    first: dict[ApplicationId, Application] = {}
    unclear = set[ApplicationId]()
    for one in (application for result in searched for application in result.applications):
        has_origin = bool(one.plan_publisher and one.plan_product) or bool(one.definition_id)
        if not has_origin or one.group_problem or first.setdefault(one.id, one) != one:
            unclear.add(one.id)
    return frozenset(unclear)


def compare(
    known: Known,
    searched: Iterable[Searched],
    confirmed: Iterable[Application],
    refusal: Callable[[Application], str],
    *,
    unclear: Collection[ApplicationId] = (),
) -> Discovery:
    """Hold what ARM shows against the registry.

    Args:
        known: what the registry has.
        searched: what ARM's lists say, by subscription.
        confirmed: applications that ARM describes by themselves, because its lists did not, or not clearly.
        refusal: why an application is not the publisher's, "" for one that is.
        unclear: whom nothing is concluded about from ARM's lists.
    """
    results = tuple(searched)
    described = {one.id: one for one in confirmed}
    listed = {one.id: one for result in results for one in result.applications}
    shown = {**listed, **described}
    missing, left_alone = dict[ApplicationId, str](), dict[ApplicationId, Removed]()
    unusable, foreign = dict[ApplicationId, str](), dict[ApplicationId, str]()
    going = list[ApplicationId]()
    for identity, application in shown.items():
        removed = known.removed.get(identity)
        if identity in known.registered or (identity in unclear and identity not in described):
            continue
        if application.is_going:
            going.append(identity)
        elif reason := refusal(application):
            foreign[identity] = reason
        elif removed is not None and removed.is_operators:
            left_alone[identity] = removed
        elif application.group_problem:
            unusable[identity] = application.group_problem
        else:
            missing[identity] = _why(removed)
    complete = {one.subscription.id for one in results if not one.problem}
    return Discovery(
        searched=len(complete),
        shown=len(shown),
        unread=tuple(one for one in results if one.problem and not one.is_out_of_sight),
        out_of_sight=tuple(one for one in results if one.is_out_of_sight),
        missing=missing,
        left_alone=left_alone,
        unusable=unusable,
        foreign=foreign,
        going=tuple(going),
        unseen=tuple(one for one in known.registered if one not in shown and one.subscription_id.lower() in complete),
    )


def _why(removed: Removed | None) -> str:
    """Return why an application has to be registered: it never was, or it is alive after its removal."""
    if removed is None or removed.removal is None:
        return UNKNOWN
    removal = removed.removal
    how = "confirmed" if removal.confirmed else "unconfirmed"
    day = f" on {time_text(removal.at)[:10]}" if removal.at else ""
    return f"It was removed{day} ({how}), and Azure shows it to us"
