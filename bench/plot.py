"""Draws docs/images/performance.png from the benchmark's JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import matplotlib as mpl

mpl.use("Agg")  # before pyplot looks for a screen

from matplotlib import pyplot as plt

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

OURS: Final = "#0b6e99"
THEIRS: Final = "#c2c8ce"
MEMORY: Final = "#d9730d"
_GROWTH: Final = {
    "applications": ("applications", "Applications (300 states each, 40 ms a call)"),
    "states": ("states", "States of each of 200 applications (40 ms a call)"),
    "latency": ("latency_ms", "Milliseconds a call (200 applications, 300 states)"),
}


def draw(document: dict[str, Any], target: Path) -> None:
    """Draw contenders beside each other, and the collector's cost along one measure at a time."""
    figure, places = plt.subplots(2, 2, figsize=(11, 7.5), constrained_layout=True)
    _draw_contenders(places[0][0], document)
    for (name, (field, label)), axes in zip(_GROWTH.items(), places.flat[1:], strict=True):
        _draw_growth(axes, [one for one in document["measurements"] if one["workload"]["name"] == name], field, label)
    here = document["machine"]
    figure.suptitle(
        f"{here['cores']} cores, {here['memory_gigabytes']} GB, {here['python']}; server on the same machine"
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, dpi=110, metadata={"Software": None})
    plt.close(figure)


def _draw_contenders(axes: Axes, document: dict[str, Any]) -> None:
    bars = [
        (f"{workload}: {contender}", one["median"]["seconds"], OURS if "collector" in contender else THEIRS)
        for workload in ("fleet", "deep")
        for contender in ("collector", "collector, steady", "floor", "straightforward")
        for one in document["measurements"]
        if (one["workload"]["name"], one["contender"]) == (workload, contender)
    ]
    names, seconds, colours = zip(*bars, strict=True)
    drawn = axes.barh(names, seconds, color=colours)
    axes.bar_label(drawn, fmt=" %.1f s", fontsize=8)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.tick_params(axis="y", labelsize=8)
    axes.set_xlabel("seconds")
    axes.set_title("150,000 states of 500, 50,000 of one application", fontsize=10)


def _draw_growth(axes: Axes, measured: list[dict[str, Any]], field: str, label: str) -> None:
    points = sorted((one["workload"][field], one["median"]) for one in measured)
    values = [value for value, _ in points]
    axes.plot(values, [median["seconds"] for _, median in points], "o-", color=OURS)
    axes.set_ylim(bottom=0)
    axes.set_xlim(left=0)
    axes.set_xlabel(label, fontsize=9)
    axes.set_ylabel("seconds", color=OURS)
    memory = axes.twinx()
    memory.plot(values, [median["peak_megabytes"] for _, median in points], "s--", color=MEMORY, alpha=0.8)
    memory.set_ylim(0, 200)
    memory.set_ylabel("peak MB", color=MEMORY)
