"""Writes what queries scan into docs/performance.md and docs/scanned.json."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from bench.contenders import ROOT
from bench.scanned.counting import FLEET, scanned_before, scanned_now
from bench.scanned.two_days import HOURS, STATES_EACH

if TYPE_CHECKING:
    from pathlib import Path

PAGE: Final = ROOT / "docs/performance.md"
RESULT: Final = ROOT / "docs/scanned.json"
BEGIN: Final = "<!-- counted: written by `python -m bench.scanned --document` -->"
END: Final = "<!-- end of what was counted -->"

_NONE: Final = "none"


def result_of() -> dict[str, Any]:
    """Count, and return the result as JSON; raise NoHistoryError when the queries of before cannot be read."""
    before = scanned_before()
    queries = {
        name: {"before": asdict(before[name]) if name in before else None, "now": asdict(now)}
        for name, now in scanned_now().items()
    }
    return {"applications": FLEET, "states": STATES_EACH, "hours": HOURS, "queries": queries}


def table(result: dict[str, Any]) -> str:
    """Return a result in Markdown, with a line for each query."""
    lines = [
        "| query | states before | states now | other rows before | other rows now |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, one in result["queries"].items():
        before, now = one["before"], one["now"]
        states, others = (f"{before[kind]:,}" if before else _NONE for kind in ("states", "others"))
        upload = f" (of them of the upload: {now['upload']:,})" if now["upload"] else ""
        lines.append(f"| {name} | {states} | {now['states']:,}{upload} | {others} | {now['others']:,} |")
    return "\n".join(lines)


def write(result: dict[str, Any], *, page: Path = PAGE, file: Path = RESULT) -> None:
    """Write the result beside the page, and its table into the page."""
    file.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n\n{table(result)}\n\n{END}{after}", encoding="utf-8")
