"""Every query that is deployed or sent over the product's tables, as it is now and as it was before."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from bench.contenders import ROOT
from checks.observation import LAYOUT, runnable
from checks.scans.scan import scans
from compliance_api.queries import TABLES_QUERY
from compliance_api.workspace.saved_queries import names, text, text_for
from sandbox.alerts.rules import INFRASTRUCTURE, read_rules
from sandbox.workspace.iso8601 import parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

BEFORE: Final = "57ed7859cbb851977b384d58bd6a8c0d3708852c"
"""The last commit whose rules, workbook and API judge by the states of every run."""

ONE_APPLICATION: Final = ("assignments", "noncompliant_resources", "states_missing")
"""The saved queries that the API narrows to the application that it is asked about."""

LONGEST: Final = timedelta(days=90)
"""The time range of everything that bounds itself."""

_OF_ONE: Final = "API, one application: {}"
_INTERVAL: Final = "PT1H"
_RENAMED: Final = {"rule assignment-without-states": "rule assignment-undecided"}
_TABLES_QUERY: Final = re.compile(r'^_TABLES_QUERY: Final = "(.+)"$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Asked:
    """A query, by who asks it, with the time range that it is sent with."""

    name: str
    query: str
    time_range: timedelta


class NoHistoryError(Exception):
    """The repository does not have the commit that the queries of before are read from."""


def asked_now(application_id: str) -> list[Asked]:
    """Return the queries of today; those about one application ask for this one."""
    rules = read_rules(_INTERVAL)
    asked = [Asked(f"rule {rule.name}", rule.query, rule.window_size) for rule in rules]
    layout = json.loads((INFRASTRUCTURE / LAYOUT).read_text(encoding="utf-8"))
    selected = {"{SelectedApplication}": application_id.lower()}
    asked += _tiles(layout, lambda name: runnable(INFRASTRUCTURE / "workbooks" / f"{name}.kql", chosen=selected))
    others = [name for name in names() if name not in {rule.query_name for rule in rules}]
    asked += [Asked(f"saved query {name}", text(name), LONGEST) for name in others]
    asked += [Asked(_OF_ONE.format(name), text_for(name, application_id), LONGEST) for name in ONE_APPLICATION]
    asked.append(_list_tables(TABLES_QUERY))
    return [one for one in asked if scans(one.query)]


def asked_before(application_id: str) -> list[Asked]:
    """Return the queries of before by the names that those of today have; raise NoHistoryError without that commit."""
    rules = json.loads(_shown("infra/alert_rules.json"))
    asked = []
    for rule in rules["rules"]:
        window = rules["timings"][rule["timing"]][_INTERVAL]["windowSize"]
        query = _shown(f"infra/queries/{rule['query']}.kql")
        asked.append(Asked(f"rule {rule['name']}", query, parse_duration(window)))
    fleet = _shown("infra/queries/applications.kql").split("end fleet")[0]
    filled = {"{fleet}": fleet, "{Customer}": "'*'", "{SelectedApplication}": application_id.lower()}
    asked += _tiles(
        json.loads(_shown("infra/workbooks/compliance.workbook.json")),
        lambda name: _filled(_shown(f"infra/workbooks/{name}.kql"), filled),
    )
    for path in _run("ls-tree", "--name-only", BEFORE, "infra/queries/").split():
        name = path.rpartition("/")[2].removesuffix(".kql")
        asked += [Asked(form.format(name), _shown(path), LONGEST) for form in ("saved query {}", _OF_ONE)]
    [tables] = _TABLES_QUERY.findall(_shown("compliance_api/queries.py"))
    asked.append(_list_tables(tables))
    return [replace(one, name=_RENAMED.get(one.name, one.name)) for one in asked]


def _tiles(layout: Mapping[str, Any], query_of: Callable[[str], str]) -> Iterator[Asked]:
    """Yield the queries of a workbook with the time range that it opens with."""
    opened_with = next(one["value"] for one in layout["parameters"] if one["name"] == "TimeRange")
    for asker in (*layout["parameters"], *(item["content"] for item in layout["items"])):
        if "query" in asker:
            milliseconds = asker.get("timeContext", opened_with)["durationMs"]
            query = query_of(asker["query"])
            yield Asked(f"workbook {asker['query']}", query, timedelta(milliseconds=milliseconds))


def _list_tables(query: str) -> Asked:
    return Asked("API, list_tables", query, timedelta(days=1))


def _filled(query: str, placeholders: Mapping[str, str]) -> str:
    for placeholder, value in placeholders.items():
        query = query.replace(placeholder, value)
    return query


def _shown(path: str) -> str:
    return _run("show", f"{BEFORE}:{path}")


def _run(*arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, check=False, encoding="utf-8")
    if done.returncode:
        raise NoHistoryError(f"git has no {arguments[-1]}; fetch the whole history: {done.stderr.strip()}")
    return done.stdout
