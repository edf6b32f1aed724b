"""The report of ``cost``: tables of 80 columns for people, or one JSON object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from operations.cost import prices
from operations.cost.drivers import Drivers, Reason
from operations.cost.estimate import a_month
from operations.cost.questions import Amount
from operations.report import Cell, Listing, Report
from registry.inventory import as_document
from verdicts.publication import EVERYTHING_EVERY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from operations.cost.findings import Findings
    from operations.doctor.checks import Check

_HOURS: Final = int(EVERYTHING_EVERY.total_seconds() // 3600)
_REASONS: Final = {
    Reason.TURN: f"their turn had come, after {_HOURS} hours",
    Reason.CHANGED: "something had changed between turns",
    Reason.EVERY_READ: "every read was uploaded: UPLOADED_STATES=all",
    Reason.UNCLEAR: "changed between turns, or UPLOADED_STATES=all",
    Reason.FIRST: "no upload before is known",
}
_KINDS: Final = {
    "detailed": "a row for each compliant state",
    "summarised": "compliant states summarised",
    "other": "a row for each other state",
}
_LEFT_OUT: Final = (
    "free allowances, commitment tiers, telemetry, access logs, storage, e-mails, private networking, "
    "the shards of COLLECTION_MODE=fan-out"
)


def nothing_told(refused: Sequence[Check], days: int) -> Report:
    """Return the report when no table has told of a row."""
    listings = (_refusals(refused),) if refused else ()
    if refused:
        error = f"{len(refused)} tables could not be read, and the others have no rows: nothing can be said"
    else:
        error = f"no table has rows of the last {days} days or of today: does the collector run?"
    document = {"complete": False, "not_told": [as_document(check) for check in refused]}
    return Report(ok=False, document=document, listings=listings, error=error)


def report_of(findings: Findings) -> Report:
    """Return the report; it is `ok` when everything was told, and a month could be estimated."""
    error = None
    if not findings.span.days:
        error = f"no full day (UTC) is over since the first rows, on {findings.span.first}: no month can be estimated"
    elif not findings.is_whole:
        error = "not everything was told: the month costs more than is said here"
    elif findings.not_told:
        error = "the month was told, and what drives it was not"
    return Report(
        ok=error is None,
        document=_document(findings),
        listings=tuple(_listings(findings)),
        notes=tuple(_notes(findings)),
        error=error,
    )


def _listings(findings: Findings) -> list[Listing]:
    listings = [_tables(findings)]
    if findings.parts:
        listings.append(_bill(findings))
    if isinstance(findings.drivers, Drivers):
        listings += _driving(findings, findings.drivers)
    if findings.not_told:
        listings.append(_refusals(findings.not_told))
    return listings


def _tables(findings: Findings) -> Listing:
    span = findings.span
    if not span.days:
        rows: list[tuple[Cell | str, ...]] = [
            (one.table, f"{one.within(span).rows:,}", f"{one.within(span).bytes / 1e6:,.3f}")
            for one in findings.intakes
        ]
        return Listing(f"Since {span.first}", ("Table", "Rows", "MB"), rows)
    whole = sum(line.gigabytes_a_month for line in findings.lines)
    rows = [
        (
            line.table,
            f"{line.rows_a_day:,.0f}",
            f"{line.megabytes_a_day:,.3f}",
            f"{line.gigabytes_a_month:,.3f}",
            f"{line.gigabytes_a_month / whole:.0%}" if whole else "",
            f"{line.price_a_month:,.2f}",
        )
        for line in findings.lines
    ]
    title = f"{span.first} to {span.last}, {span.days} of {findings.asked.days} days"
    return Listing(title, ("Table", "Rows/day", "MB/day", "GB/month", "", prices.CURRENCY), rows)


def _bill(findings: Findings) -> Listing:
    rows: list[tuple[Cell | str, ...]] = [
        (
            part.name,
            Cell("not told", "bad") if part.price_a_month is None else f"{part.price_a_month:,.2f}",
            part.of,
        )
        for part in findings.parts
    ]
    least = "" if findings.is_whole else "at least "
    rows.append(("together", f"{least}{findings.price_a_month:,.2f}", ""))
    return Listing("A month", ("Part", prices.CURRENCY, "Of"), rows)


def _driving(findings: Findings, drivers: Drivers) -> list[Listing]:
    columns = ("States", "Uploads", "Rows", "MB", f"{prices.CURRENCY}/month")
    reasons = [
        (_REASONS[reason], f"{one.uploads:,}", *_amount(findings, one.amount))
        for reason, one in sorted(drivers.reasons.items())
    ]
    kinds = [(_KINDS[kind], "", *_amount(findings, one)) for kind, one in sorted(drivers.kinds.items())]
    title = f"Policy states uploaded, of {drivers.reads:,} reads"
    return [Listing(title, columns, [*reasons, *kinds])] if reasons or kinds else []


def _amount(findings: Findings, amount: Amount) -> tuple[str, str, str]:
    days = findings.span.days
    monthly = f"{a_month(amount, days) * findings.price:,.2f}" if days else ""
    return f"{amount.rows:,}", f"{amount.bytes / 1e6:,.3f}", monthly


def _refusals(checks: Sequence[Check]) -> Listing:
    rows = [(check.name, Cell(check.finding, "bad"), check.next_step) for check in checks]
    return Listing("Could not be read", ("Table", "Why", "What to do"), rows)


def _savings(findings: Findings) -> dict[str, float]:
    """Return what another setting would save in a month, as far as rows tell it."""
    drivers, days = findings.drivers, findings.span.days
    if not days or not isinstance(drivers, Drivers):
        return {}
    found = {}
    detailed, every = drivers.kinds.get("detailed"), drivers.reasons.get(Reason.EVERY_READ)
    if detailed:
        less = Amount(0, detailed.bytes - drivers.summaries.bytes)
        found["COMPLIANT_STATES=summarised"] = a_month(less, days) * findings.price
    if every:
        found["UPLOADED_STATES=changed"] = a_month(every.amount, days) * findings.price
    return found


def _notes(findings: Findings) -> list[str]:
    notes = [*findings.doubts]
    for setting, saved in _savings(findings).items():
        most = "at most " if setting.startswith("UPLOADED") else "about "
        notes.append(f"{setting} would save {most}{saved:,.2f} {prices.CURRENCY} a month of rows taken in.")
    if not findings.span.days:
        return notes
    own = findings.asked.own_price
    given = f"{own:g} {prices.CURRENCY} as you said" if own else f"{prices.INGESTION:g} {prices.CURRENCY}"
    notes += [
        f"An estimate: list prices of {prices.REGION}, looked up on {prices.LOOKED_UP}; a GB is {given}.",
        f"Not in it: {_LEFT_OUT}.",
    ]
    return notes


def _document(findings: Findings) -> dict[str, Any]:
    span, drivers, own = findings.span, findings.drivers, findings.asked.own_price
    return {
        "complete": bool(span.days) and findings.is_whole and not findings.not_told,
        "days_asked": findings.asked.days,
        "days": span.days,
        "first_day": span.first,
        "last_day": span.last,
        "prices": {
            "currency": prices.CURRENCY,
            "region": prices.REGION,
            "looked_up": prices.LOOKED_UP,
            "gigabyte": findings.price,
            "is_own": own is not None,
        },
        "intake": [
            {"table": one.table, "rows": one.within(span).rows, "bytes": one.within(span).bytes}
            for one in findings.intakes
        ],
        "tables": [as_document(line) for line in findings.lines],
        "parts": [as_document(part) for part in findings.parts],
        "price_a_month": findings.price_a_month if span.days else None,
        "drivers": _drivers_document(drivers) if isinstance(drivers, Drivers) else None,
        "savings_a_month": _savings(findings),
        "left_out": _LEFT_OUT,
        "doubts": findings.doubts,
        "not_told": [as_document(check) for check in findings.not_told],
    }


def _drivers_document(drivers: Drivers) -> dict[str, Any]:
    return {
        "reads": drivers.reads,
        "uploads": {
            str(reason): {"uploads": one.uploads, "rows": one.amount.rows, "bytes": one.amount.bytes}
            for reason, one in drivers.reasons.items()
        },
        "states": {kind: as_document(amount) for kind, amount in drivers.kinds.items()},
        "detailed_if_summarised": as_document(drivers.summaries),
    }
