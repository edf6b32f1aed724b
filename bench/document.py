"""Writes a result into docs/performance.md, docs/performance.json and the picture."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from bench.contenders import ROOT
from bench.hours.figures import APPLICATIONS, table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGE: Final = ROOT / "docs/performance.md"
RESULT: Final = ROOT / "docs/performance.json"
PICTURE: Final = ROOT / "docs/images/performance.png"
_BEGIN: Final = "<!-- measured: written by `python -m bench --document` -->"
_END: Final = "<!-- end of what was measured -->"
_WORKLOADS: Final = ("fleet", "deep", "million", "tenth of million", "large pages", "ledger")


def write(document: dict[str, Any], *, page: Path = PAGE, result: Path = RESULT, picture: Path = PICTURE) -> None:
    """Write the result beside the page, its tables into the page, and the picture."""
    from bench.plot import draw  # noqa: PLC0415 - matplotlib is heavy, and measuring needs a small parent

    result.write_text(as_text(document), encoding="utf-8")
    draw(document, picture)
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    page.write_text(f"{before}{_BEGIN}\n\n{measured(document)}\n{_END}{after}", encoding="utf-8")


def as_text(document: dict[str, Any]) -> str:
    """Return a result as JSON, in which each scenario of the hours takes a line."""
    others = json.dumps({name: one for name, one in document.items() if name != "hours"}, indent=1)
    hours = ",\n  ".join(json.dumps(one) for one in document["hours"])
    return f'{others[:-2]},\n "hours": [\n  {hours}\n ]\n}}\n'


def measured(document: dict[str, Any]) -> str:
    """Return the tables of a result in Markdown."""
    here = document["machine"]
    return "\n".join(
        (
            f"{here['cores']} cores, {here['memory_gigabytes']} GB, {here['system']}, {here['python']}; medians.",
            "",
            "| measure | reached | must be |",
            "|---|---:|---:|",
            *(
                f"| {name} | {one['reached']:.2f} | {one['must_be'].strip()} |"
                for name, one in document["required"].items()
            ),
            "",
            "| workload | contender | seconds | processor seconds | peak MB | rows a second | runs |",
            "|---|---|---:|---:|---:|---:|---:|",
            *_rows(document),
            "",
            f"{APPLICATIONS:,} applications with 300 states each, every hour:",
            "",
            *table(document["hours"]),
            "",
        )
    )


def _rows(document: dict[str, Any]) -> Iterator[str]:
    for workload in _WORKLOADS:
        for one in document["measurements"]:
            shape = one["workload"]
            if shape["name"] == workload:
                median = one["median"]
                yield (
                    f"| {workload} ({shape['applications']} x {shape['states']}, {shape['latency_ms']:g} ms) "
                    f"| {one['contender']} | {median['seconds']:.2f} | {median['processor_seconds']:.2f} "
                    f"| {median['peak_megabytes']:.0f} | {median['rows_per_second']:,.0f} | {len(one['runs'])} |"
                )
