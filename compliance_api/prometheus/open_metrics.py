"""Writes OpenMetrics text, which Prometheus and what speaks its format read.

Source: github.com/prometheus/OpenMetrics, specification 1.0.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

MEDIA_TYPE: Final = "application/openmetrics-text; version=1.0.0"


@dataclass(frozen=True, slots=True)
class Family:
    """A gauge: its name, which ends with its unit where it has one, what it says, and the names of its labels."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    unit: str = ""


@dataclass(slots=True)
class Exposition:
    """The samples of one scrape. What is not known has no sample; it is never zero."""

    families: Sequence[Family]
    _samples: dict[str, list[str]] = field(default_factory=dict)

    def add(self, name: str, value: float | None, /, **labels: str) -> None:
        """Add a sample of a family, unless its value is not known; KeyError for other labels than the family's."""
        family = next(one for one in self.families if one.name == name)
        if set(labels) != set(family.labels):
            raise KeyError(name)
        if value is not None:
            self._samples.setdefault(name, []).append(f"{name}{_written(family.labels, labels)} {value}")

    def text(self) -> bytes:
        """Return everything as it is served; a family without samples is announced all the same."""
        return "".join(f"{line}\n" for line in (*self._lines(), "# EOF")).encode()

    def _lines(self) -> Iterable[str]:
        for family in self.families:
            yield f"# TYPE {family.name} gauge"
            if family.unit:
                yield f"# UNIT {family.name} {family.unit}"
            yield f"# HELP {family.name} {_escaped(family.help)}"
            yield from self._samples.get(family.name, ())


def _written(names: Sequence[str], labels: Mapping[str, str]) -> str:
    pairs = ",".join(f'{name}="{_escaped(labels[name])}"' for name in names)
    return f"{{{pairs}}}" if pairs else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
