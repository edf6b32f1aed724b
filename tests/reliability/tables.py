"""The matrices as tables for people: `python -m tests.reliability.tables` writes them into docs/reliability.md.

The expectations that the tests play are the only source; another test fails when the page says something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tests.reliability import (
    collector_expectations,
    collector_faults,
    notification_expectations,
    notification_faults,
    webhook_expectations,
    webhook_faults,
)
from tests.reliability.collector_expectations import Verdict

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
_BLOCK: Final = re.compile(
    r"(<!-- (\w+): written by python -m tests\.reliability\.tables -->\n).*?(<!-- end -->)", re.DOTALL
)


def page(text: str) -> str:
    """Return the page with its tables as they should be."""
    blocks = {
        "collector": collector_table(),
        "webhook": webhook_table(),
        "notifications": notification_table(),
        "nowhere": not_applicable_table(),
    }
    return _BLOCK.sub(lambda block: f"{block[1]}\n{blocks[block[2]]}\n\n{block[3]}", text)


def collector_table() -> str:
    """One row for each dependency and set of faults with the same consequences."""
    rows = []
    for name, expectations in collector_expectations.EXPECTED.items():
        unplayed = collector_faults.DEPENDENCIES[name].not_applicable
        for one in expectations:
            faults = [fault for fault in collector_faults.FAULTS if fault in one.faults and fault not in unplayed]
            lasting, passing = one.lasting, one.passing
            rows.append(
                (
                    name,
                    "; ".join(faults),
                    f"{lasting.affected} / {lasting.bystander}",
                    _ending(lasting),
                    _alerts(lasting),
                    "the same" if passing == lasting else "nothing is lost, exit 0",
                )
            )
    head = ("dependency", "fault", "affected / other", "invocation", "new alerts", "if it passes")
    return _table(head, rows)


def webhook_table() -> str:
    """One row for each dependency and set of faults with the same answers."""
    rows = []
    for name, expectations in webhook_expectations.EXPECTED.items():
        every = webhook_faults.faults_of(webhook_faults.DEPENDENCIES[name])
        special = {fault for one in expectations for fault in one.faults or ()}
        for one in expectations:
            faults = [fault for fault in every if fault in (one.faults or set(every) - special)]
            queued = f"{one.queued} times" if one.queued else "no"
            passing = "-" if one.passing is None else str(one.passing)
            rows.append((name, "; ".join(faults), str(one.lasting), queued, passing))
    return _table(("dependency", "fault", "answer", "on the queue", "answer if it passes"), rows)


def notification_table() -> str:
    """One row for each dependency and set of faults after which the same becomes of notifications."""
    rows = []
    for name, expectations in notification_expectations.EXPECTED.items():
        every = notification_faults.faults_of(notification_faults.DEPENDENCIES[name])
        special = {fault for one in expectations for fault in one.faults or ()}
        for one in expectations:
            faults = [fault for fault in every if fault in (one.faults or set(every) - special)]
            rows.append((name, "; ".join(faults), one.new, one.changed, one.left, one.forged, one.healed_by))
    head = ("dependency", "fault", "new", "changed", "left", "forged deletion", "made good by")
    return _table(head, rows)


def not_applicable_table() -> str:
    """The pairs of the collector's matrix that make no sense, and why."""
    rows = []
    for dependency in collector_faults.DEPENDENCIES.values():
        reasons: dict[str, list[str]] = {}
        for fault, reason in dependency.not_applicable.items():
            reasons.setdefault(reason, []).append(fault)
        rows += [(dependency.name, "; ".join(faults), reason) for reason, faults in reasons.items()]
    return _table(("dependency", "fault", "why it is not played"), rows)


def _ending(verdict: Verdict) -> str:
    return f"{'failed' if verdict.invocation_failed else 'succeeded'}, exit {verdict.exit_status}"


def _alerts(verdict: Verdict) -> str:
    told = [] if verdict.unread == "nobody" else [f"unread: {verdict.unread}"]
    return ", ".join([*told, *(["silent"] if verdict.silent else [])]) or "none"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
