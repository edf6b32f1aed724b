"""``discover``: applications of ours that no notification told of are looked for, and registered."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from operations.decision import Decision, make_sure
from operations.report import Cell, Listing, Report
from publisher.errors.kinds import AzureFailure
from registry.discovery.discover import discover as search
from registry.discovery.discover import register
from registry.refresh import Change

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping

    from operations.report import Console
    from operations.workplace import Workplace
    from publisher.resource_ids import ApplicationId
    from registry.discovery.comparison import Discovery
    from registry.discovery.search import Searched
    from registry.managed_application import Removed

_SECONDS: Final = 6 * 3600.0
_NOTHING_SHOWN: Final = (
    "No application of anybody is visible: there is none, or the plan's authorizations do not name the service "
    "principal (its object id)."
)
_MEANWHILE: Final = "it was registered, removed or deleted meanwhile"
_LEFT_ALONE: Final = "an operator removed it: `add` registers it again"
_UNSEEN: Final = "registered, and Azure's list does not show it: `check` tells what Azure says of it"


async def discover(workplace: Workplace, options: argparse.Namespace, console: Console) -> Report:
    """Look for applications of ours that are not registered; register them once somebody is sure."""
    decision, refresher = Decision.of(options, by_anybody=True), workplace.inventory.refresher
    deadline = time.monotonic() + _SECONDS
    with console.busy("searching") as progress:
        found = await search(
            refresher,
            only=options.subscriptions,
            quick=options.quick,
            may_be_new=True,
            deadline=deadline,
            progress=progress,
        )
    if options.check or not found.missing:
        return _report(found, {}, None)
    console.show_listing(_missing(found.missing))
    make_sure(f"Register these {len(found.missing)} applications?", decision, options, console)
    with console.busy(f"registering {len(found.missing)} applications"):
        outcomes = await register(refresher, found.missing, deadline=deadline)
    results = dict(zip(found.missing, outcomes, strict=True))
    registered = [one for one, outcome in results.items() if outcome is Change.REGISTERED]
    untold = await workplace.tell([await workplace.event(one, Change.REGISTERED, decision) for one in registered])
    return _report(found, results, untold)


def _report(found: Discovery, results: Mapping[ApplicationId, Change | AzureFailure], untold: str | None) -> Report:
    waiting = {one: why for one, why in found.missing.items() if one not in results}
    failed = {one: outcome for one, outcome in results.items() if isinstance(outcome, AzureFailure)}
    errors = [f"{len(waiting)} applications are not registered"] if waiting else []
    errors += [f"{len(failed)} of {len(results)} applications were not registered"] if failed else []
    errors += [f"{len(found.unusable)} applications cannot be registered"] if found.unusable else []
    if found.unread:
        errors.append(f"{len(found.unread)} subscriptions could not be read: an application of yours may be there")
    errors += found.problems
    errors += [untold] if untold else []
    return Report(
        ok=not errors,
        document=_document(found, results),
        listings=tuple(_listings(found, waiting, results)),
        notes=tuple(_notes(found)),
        error="; ".join(errors) or None,
    )


def _notes(found: Discovery) -> Iterable[str]:
    if found.is_quick:
        yield "Only Azure Resource Graph was asked, which may leave out anything: the search is not complete."
    else:
        yield f"{found.searched} subscriptions searched{'' if found.is_complete else '; the search is not complete'}."
    if found.foreign:
        yield f"{len(found.foreign)} applications are not yours: OFFERS does not include them, or another tenant's."
    if found.going:
        yield f"{len(found.going)} applications are being deleted, and left out."
    if found.searched and not found.shown:
        yield _NOTHING_SHOWN
    yield from found.notes


def _listings(
    found: Discovery, waiting: Mapping[ApplicationId, str], results: Mapping[ApplicationId, Change | AzureFailure]
) -> Iterable[Listing]:
    if waiting:
        yield _missing(waiting)
    if results:
        rows = [(str(one), _outcome(outcome), _why(outcome)) for one, outcome in results.items()]
        yield Listing("", ("Application", "Result", "Why"), rows)
    for title, applications in (
        ("Cannot be registered", [(str(one), Cell(why, "bad")) for one, why in found.unusable.items()]),
        (
            "Left alone",
            [(str(one), f"{_LEFT_ALONE} ({_removal(removed)})") for one, removed in found.left_alone.items()],
        ),
        ("Not seen", [(str(one), Cell(_UNSEEN, "doubtful")) for one in found.unseen]),
    ):
        if applications:
            yield Listing(title, ("Application", "What"), applications)
    for title, subscriptions in (("Could not be read", found.unread), ("Out of our sight", found.out_of_sight)):
        if subscriptions:
            problems = [(str(one.subscription), Cell(one.problem, "bad")) for one in subscriptions]
            yield Listing(title, ("Subscription", "Why"), problems)


def _missing(missing: Mapping[ApplicationId, str]) -> Listing:
    rows = [(str(one), Cell(why, "doubtful")) for one, why in missing.items()]
    return Listing("Not registered", ("Application", "What"), rows)


def _outcome(outcome: Change | AzureFailure) -> Cell:
    if isinstance(outcome, AzureFailure):
        return Cell(type(outcome).__name__, "bad")
    return Cell(outcome, "good")


def _why(outcome: Change | AzureFailure) -> str:
    if isinstance(outcome, AzureFailure):
        return f"{outcome.code}: {outcome}"
    return _MEANWHILE if outcome is Change.CONFIRMED else ""


def _became(outcome: Change | AzureFailure | None) -> dict[str, str | None]:
    """Return what became of an application that was missing; nothing when it was only told."""
    if outcome is None:
        return {"result": None, "error": None}
    return {"result": _outcome(outcome).text, "error": _why(outcome) if isinstance(outcome, AzureFailure) else None}


def _removal(removed: Removed) -> str:
    removal = removed.removal
    if removal is None:
        return ""
    reason = f": {removal.reason}" if removal.reason else ""
    day = f"{removal.at:%Y-%m-%d}" if removal.at else "nobody knows when"
    return f"{day} by {removal.by}{reason}"


def _document(found: Discovery, results: Mapping[ApplicationId, Change | AzureFailure]) -> dict[str, Any]:
    return {
        "complete": found.is_complete,
        "subscriptions": found.searched,
        "unread": [_subscription(one) for one in found.unread],
        "out_of_sight": [_subscription(one) for one in found.out_of_sight],
        "problems": list(found.problems),
        "notes": list(found.notes),
        "missing": [_application(one, why) | _became(results.get(one)) for one, why in found.missing.items()],
        "left_alone": [_application(one, _removal(removed)) for one, removed in found.left_alone.items()],
        "unusable": [_application(one, why) for one, why in found.unusable.items()],
        "not_ours": [_application(one, why) for one, why in found.foreign.items()],
        "deleting": [str(one) for one in found.going],
        "not_seen": [str(one) for one in found.unseen],
    }


def _application(identity: ApplicationId, reason: str) -> dict[str, str | None]:
    return {"application_id": str(identity), "reason": reason}


def _subscription(one: Searched) -> dict[str, str]:
    subscription = one.subscription
    return {
        "subscription_id": subscription.id,
        "name": subscription.name,
        "state": subscription.state,
        "reason": one.problem,
    }
