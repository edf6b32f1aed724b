"""The commands of ``python -m operations`` that change nothing: list, show, check."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from operations.report import Cell, Listing, Report, Tone, not_registered
from operations.verdict_tables import document_of, figures, listings_of, summary
from publisher.resource_ids import ApplicationId, InvalidResourceId, fold
from registry.inventory import Difference, Finding, as_document, each
from registry.managed_application import MalformedRow, ManagedApplication
from registry.rows import UnreadableRow, application_of, is_tombstone, time_text
from registry.tombstones import removal_in
from verdicts.ledger import Entry

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from operations.report import Console
    from operations.workplace import Workplace
    from publisher.table import Row
    from verdicts.control import Control

    _Known = tuple[tuple[str, Tone], dict[str, Any]]

_LISTED_APART: Final = frozenset({"assignments", "definition_names", "exemptions"})
_FINDING_TONES: Final[dict[Finding, Tone]] = {
    Finding.CHANGED: "doubtful",
    Finding.GONE: "bad",
    Finding.UNREAD: "bad",
    Finding.MALFORMED: "bad",
    Finding.UNUSABLE: "bad",
}


async def list_applications(workplace: Workplace, options: argparse.Namespace, _: Console) -> Report:
    """Report every registered application, and the rows that cannot be collected."""
    wanted = fold(options.find)
    applications, malformed = [], []
    async for item in workplace.registry.applications():
        if isinstance(item, MalformedRow):
            malformed.append(item)
        elif wanted in fold(f"{item.application_id} {item.customer_name}"):
            applications.append(item)
    applications.sort(key=lambda item: (fold(item.customer_name), fold(str(item.application_id))))
    control, now = await workplace.ledger.control(), workplace.now()
    known = await _known(workplace, control, now)
    verdicts = {identity: words for identity, (words, _) in known.items()}
    nothing: _Known = (summary(None, control, now), figures(None, control, now))
    listings = [_applications_table(applications, verdicts, nothing[0])]
    if malformed:
        rows = [(item.name, item.subscription_id, Cell(item.reason, "bad")) for item in malformed]
        listings.append(Listing("Rows that cannot be collected", ("Row", "Subscription", "Why"), rows))
    return Report(
        ok=True,
        document={
            "applications": [_in_list(item, known.get(item.application_id, nothing)) for item in applications],
            "malformed": as_document(malformed),
        },
        listings=tuple(listings),
        notes=(f"{len(applications)} applications",),
    )


async def show(workplace: Workplace, options: argparse.Namespace, _: Console) -> Report:
    """Report everything that the registry and the ledger know about one application."""
    entry, now = await workplace.ledger.find(options.application), workplace.now()
    control = await workplace.ledger.control()
    row = await workplace.registry.find(options.application)
    if row is None and entry is None:
        return not_registered(options.application)
    report = _in_registry(options.application, row)
    return replace(
        report,
        document=report.document | {"ledger": document_of(entry, control, now)},
        listings=(*report.listings, *listings_of(entry, control, now)),
    )


def _in_registry(application_id: ApplicationId, row: Row | None) -> Report:
    """Return the report about an application's row in the registry."""
    if row is None:
        document: dict[str, Any] = {"status": "vanished", "application_id": str(application_id)}
        error = "it is not in the registry, and the ledger knows it: `reconcile` registers it when Azure knows it too"
        return Report(ok=False, document=document, listings=(_properties(document),), error=error)
    keys: dict[str, Any] = {"partition_key": row.partition_key, "row_key": row.row_key}
    if is_tombstone(row):
        document = {**keys, "status": "deleted", "application_id": str(application_id), **_removal(row)}
        document["event_time"] = str(row.properties.get("event_time") or "")
        return Report(ok=False, document=document, listings=(_properties(document),), error="it was deleted")
    try:
        application = application_of(row)
    except UnreadableRow as error_in_row:
        document = {**keys, "status": "malformed", "application_id": str(application_id)}
        error = f"malformed row: {error_in_row}"
        return Report(ok=False, document=document, listings=(_properties(document),), error=error)
    return _of_application(keys, application)


def _removal(row: Row) -> dict[str, Any]:
    removal = removal_in(row)
    written = str(row.properties.get("deleted_at") or "")
    if removal is None:
        return {"deleted_at": written, "confirmed": False}
    return {
        "deleted_at": time_text(removal.at) if removal.at else written,
        "confirmed": removal.confirmed,
        "removed_by": removal.by,
        "removal_reason": removal.reason,
    }


def _of_application(keys: dict[str, Any], application: ManagedApplication) -> Report:
    names = dict(application.definition_names)
    document = {**keys, "status": "active", **as_document(application), "definition_names": names}
    assignments = application.assignments or ()
    listing = Listing(
        "Policy assignments",
        ("Assignment", "Display name", "Definition"),
        [(one.id, one.display_name, one.definition_display_name or one.definition_id) for one in assignments],
    )
    plain = {name: value for name, value in document.items() if name not in _LISTED_APART}
    note = () if application.assignments is not None else ("The policy assignments are not known.",)
    listings = (_properties(plain), listing) if assignments else (_properties(plain),)
    return Report(ok=True, document=document, listings=listings, notes=note)


async def check(workplace: Workplace, _: argparse.Namespace, console: Console) -> Report:
    """Report how the registry differs from Azure; changes nothing."""
    inventory = workplace.inventory
    items = [item async for item in inventory.registry.applications()]
    with console.busy(f"comparing {len(items)} applications with Azure"):
        found = [difference for difference in await each(items, inventory.compare) if difference]
    counts = Counter(difference.finding for difference in found)
    rows = [(one.application_id, Cell(one.finding, _FINDING_TONES[one.finding]), _details(one)) for one in found]
    document = {
        "applications": len(items),
        "differences": [
            {
                **as_document(one),
                "finding": str(one.finding),
                "changes": [dict(zip(("field", "registry", "azure"), change, strict=True)) for change in one.changes],
            }
            for one in found
        ],
    }
    summary = ", ".join(f"{count} {finding}" for finding, count in sorted(counts.items())) or "no difference"
    return Report(
        ok=not found,
        document=document,
        listings=(Listing("Differences", ("Application", "Finding", "What"), rows),) if rows else (),
        notes=(f"{len(items)} applications compared: {summary}",),
        error=_advice(found),
    )


def _advice(found: Sequence[Difference]) -> str | None:
    """Return what to do about what was found, as far as a command here can do anything about it."""
    if not found:
        return None
    if not any(one.can_be_repaired for one in found):
        return "no command repairs this: the reasons say who can"
    return "run `add` or `reconcile` to take over what Azure says"


async def _known(workplace: Workplace, control: Control, now: datetime) -> dict[ApplicationId, _Known]:
    """Return the verdicts of every application that the ledger knows, in a few words and in figures."""
    found: dict[ApplicationId, _Known] = {}
    async for entry in workplace.ledger.entries():
        text = entry.facts.application_id if isinstance(entry, Entry) else entry.application_id
        with suppress(InvalidResourceId):
            found[ApplicationId.parse(text)] = (summary(entry, control, now), figures(entry, control, now))
    return found


def _in_list(application: ManagedApplication, known: _Known) -> dict[str, Any]:
    """Return an application for the list, without definition names, which `show` has."""
    document: dict[str, Any] = as_document(application)
    del document["definition_names"]
    (verdicts, _), counted = known
    return document | {"verdicts": verdicts, **counted}


def _applications_table(
    applications: list[ManagedApplication],
    verdicts: Mapping[ApplicationId, tuple[str, Tone]],
    nothing: tuple[str, Tone],
) -> Listing:
    rows = [
        (
            item.application_id.name,
            item.customer_name,
            item.application_id.subscription_id,
            " ".join(filter(None, (item.plan_name, item.plan_version))) or item.definition_id.rpartition("/")[2],
            Cell("not known", "doubtful") if item.assignments is None else str(len(item.assignments)),
            Cell(f"access lost {item.access_lost_at:%Y-%m-%d %H:%M}", "bad")
            if item.access_lost_at
            else f"{item.refreshed_at:%Y-%m-%d %H:%M}"
            if item.refreshed_at
            else Cell("never", "doubtful"),
            Cell(*verdicts.get(item.application_id, nothing)),
        )
        for item in applications
    ]
    columns = ("Application", "Customer", "Subscription", "Plan", "Assignments", "Refreshed", "Verdicts")
    return Listing("", columns, rows)


def _properties(document: dict[str, Any]) -> Listing:
    rows = [(name.replace("_", " "), str(value)) for name, value in document.items() if value]
    return Listing("", ("Property", "Value"), rows)


def _details(difference: Difference) -> str:
    if not difference.changes:
        return difference.reason
    return "\n".join(f"{name}: {before or '(none)'} -> {now or '(none)'}" for name, before, now in difference.changes)
