"""Everything about infra/ that can be proved without Azure, in one run.

`python -m checks.infrastructure` prints one line per problem and exits with 1 when there is one.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from checks import app_settings, bicep, columns, observation
from checks.bicep_source import BicepFile
from infra.hooks.parameters import declarations
from sandbox.alerts.rules import INSTALLED_AT, INTERVAL

if TYPE_CHECKING:
    from collections.abc import Iterator

INFRASTRUCTURE: Final = Path(__file__).resolve().parent.parent / "infra"
CLOUD_KEYS: Final = {
    "logAnalyticsEndpoint",
    "monitorAudience",
    "monitorDnsZones",
    "resourceGraphInAlerts",
    "tokenExchangeAudience",
}


def problems(infrastructure: Path = INFRASTRUCTURE) -> list[str]:
    """Return one line for everything in which the template and its data files disagree; empty when they agree."""
    return [*_alerts(infrastructure), *_put_in(infrastructure), *_parameters(infrastructure), *_clouds(infrastructure)]


def _alerts(infrastructure: Path) -> Iterator[str]:
    """alerts.bicep must load the query of every rule, and main.bicep offer exactly the intervals that have timings."""
    catalogue = json.loads((infrastructure / "alert_rules.json").read_text(encoding="utf-8"))
    loaded = BicepFile(infrastructure / "modules" / "alerts.bicep").object_keys("queries")
    asked = [rule["query"] for rule in catalogue["rules"]]
    yield from (f"alerts.bicep does not load the query {name}" for name in asked if name not in loaded)
    yield from (f"alerts.bicep loads {name}, which no rule uses" for name in loaded if name not in asked)
    offered = list(declarations(infrastructure / "main.bicep")["collectionInterval"].allowed)
    if offered != list(catalogue["collectionIntervals"]):
        yield "main.bicep: collectionInterval must allow exactly the intervals of alert_rules.json"


def _put_in(infrastructure: Path) -> Iterator[str]:
    """What the modules replace in queries must stand there, in the very words, and the other way round."""
    queries = {
        path.name: path.read_text(encoding="utf-8") for path in sorted((infrastructure / "queries").glob("*.kql"))
    }
    for module, name, words in (
        ("alerts.bicep", "let Interval =", INTERVAL),
        ("log_alert.bicep", "let Installed =", INSTALLED_AT),
    ):
        if f"'{words}'" not in (infrastructure / "modules" / module).read_text(encoding="utf-8"):
            yield f"{module} does not put anything in the place of {words}"
        asking = [query for query, text in queries.items() if name in text]
        yield from (f"{module}: {query} does not have {words}" for query in asking if words not in queries[query])
        if not asking:
            yield f"{module}: no query has {words}"


def _parameters(infrastructure: Path) -> Iterator[str]:
    """The parameters file names declared parameters, and every one without a default."""
    declared = declarations(infrastructure / "main.bicep")
    given = json.loads((infrastructure / "main.parameters.json").read_text(encoding="utf-8"))["parameters"]
    yield from (f"main.parameters.json: main.bicep has no parameter {name}" for name in given if name not in declared)
    for name, declaration in declared.items():
        if not declaration.has_default and name not in given:
            yield f"main.parameters.json: {name} is required"


def _clouds(infrastructure: Path) -> Iterator[str]:
    clouds = json.loads((infrastructure / "clouds.json").read_text(encoding="utf-8"))
    for cloud, endpoints in clouds.items():
        if set(endpoints) != CLOUD_KEYS:
            yield f"clouds.json: {cloud} must have {', '.join(sorted(CLOUD_KEYS))}"


def main() -> int:
    """Print every problem; 0 when there is none, 1 otherwise."""
    found = [
        *problems(),
        *bicep.problems(),
        *app_settings.problems(),
        *columns.problems(),
        *observation.problems(),
        *bicep.compile_problems(),
    ]
    for problem in found:
        print(problem)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
