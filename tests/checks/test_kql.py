"""The check of queries and alert rules: the project passes, and each kind of mistake is found where it is."""

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from checks.alert_queries import query_problems
from checks.alert_rules import result_problems, rule_problems
from checks.kql import Analysis, analyse, problems
from sandbox.alerts.rules import QUERIES_DIRECTORY, RULES_FILE, read_document

RULE = read_document()["rules"][0]
RULE_QUERY = (QUERIES_DIRECTORY / f"{RULE['query']}.kql").read_text(encoding="utf-8")


def test_the_projects_queries_and_rules_are_clean() -> None:
    assert problems() == []


def test_a_wrong_column_in_a_rules_query_is_found_at_its_line(tmp_path: Path) -> None:
    queries = shutil.copytree(QUERIES_DIRECTORY, tmp_path / "queries")
    silent = queries / "collector_silent.kql"
    lines = silent.read_text(encoding="utf-8").splitlines()
    silent.write_text("\n".join([*lines, "| where Run_identifier == 1"]), encoding="utf-8")

    message = "KS142 The name 'Run_identifier' does not refer to any known column, table, variable or function."
    assert problems(queries) == [f"{silent}:{len(lines) + 1}:9: {message}"]


MISTAKES = {
    "PolicyComplianceStates_CL | where Is_complaint == false": "KS142",
    "policycompliancestates_cl | where Is_compliant == false": "KS204",
    "PolicyComplianceStates_CL | where sometime(TimeGenerated)": "KS211",
    "PolicyComplianceStates_CL | where Is_compliant + TimeGenerated > 1": "KS106",
    "PolicyComplianceStates_CL | wher Is_compliant": "KS005",
}
OLDER_SAMPLE = (
    "PolicyComplianceStates_CL | summarize arg_max(TimeGenerated,*) by Policy_assignment_id | where Is_compliant==false"
)


@pytest.fixture(scope="module")
def analyses() -> dict[str, Analysis]:
    """What the language service says about the queries above and the first rule's, by their text; asked once."""
    texts = [*MISTAKES, OLDER_SAMPLE, RULE_QUERY]
    return analyse({text: text for text in texts})


@pytest.mark.parametrize(("query", "code"), MISTAKES.items())
def test_the_language_service_finds(analyses: dict[str, Analysis], query: str, code: str) -> None:
    assert code in {diagnostic.code for diagnostic in analyses[query].diagnostics}


def test_the_older_samples_query_is_valid(analyses: dict[str, Analysis]) -> None:
    assert analyses[OLDER_SAMPLE].diagnostics == ()


def test_a_rule_whose_query_is_missing_is_found(tmp_path: Path) -> None:
    document = read_document()
    document["rules"][0]["query"] = "not_there"
    rules = tmp_path / "rules.json"
    rules.write_text(json.dumps(document), encoding="utf-8")

    assert problems(rules_file=rules) == [f"{rules}: rule {RULE['name']} names the query not_there, which is not there"]


@pytest.mark.parametrize(
    ("query", "line"),
    [
        ("T\n| evaluate bag_unpack(Column)", 2),
        ("T | evaluate pivot(Column)", 1),
        ("T | summarize AggregatedValue = count()", 1),
        ("T\n| union U", 2),
        ("union T, U", 1),
        ("union isfuzzy=true *", 1),
        ("let a = 1;\nsearch 'x'", 2),
        ("T\n\n| take 10", 3),
        ("T | limit 5", 1),
        ("T | where x == 1 | count", 1),
        ("T | where t > ago(window)", 1),
        ("T | where t > ago(1d * 2)", 1),
        ("T\n| where t > ago(7d)", 2),
    ],
)
def test_what_an_alert_rule_may_not_say_is_found(query: str, line: int) -> None:
    assert [found for found, _ in query_problems(query)] == [line]


@pytest.mark.parametrize(
    "query",
    [
        "T | where t > ago(36h) | summarize count() by x",
        "// union, take and | count\nT | where x == \"| take 10\" and y == '| count'",
        "union isfuzzy=true T, U",
        "union isfuzzy=true\n    (T | extend x = 1), U",
        "T | summarize union_of = make_set(x), count()",
    ],
)
def test_what_an_alert_rule_may_say_is_not_found(query: str) -> None:
    assert query_problems(query) == []


def changed(change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    document = copy.deepcopy(read_document())
    change(document)
    return document


def set_rule(**values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document["rules"][0].update(values)


def set_criterion(**values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document["rules"][0]["criterion"].update(values)


def set_timing(**values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document["timings"][RULE["timing"]]["PT1H"].update(values)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (set_rule(severity=5), "severity"),
        (set_rule(displayName="100 % bad"), "name"),
        (set_rule(description="x" * 70_000), "64 KB"),
        (set_rule(timing="never"), "no timing is called never"),
        (set_rule(name="collector-silent"), "same name"),
        (set_criterion(operator="NotEqual"), "operator"),
        (set_criterion(timeAggregation="Median"), "aggregation"),
        (set_criterion(timeAggregation="Count"), "measure column"),
        (set_criterion(dimensions=RULE["criterion"]["dimensions"] * 2), "six dimensions"),
        (
            set_criterion(failingPeriods={"numberOfEvaluationPeriods": 1, "minFailingPeriodsToAlert": 2}),
            "failing periods",
        ),
        (set_criterion(failingPeriods={"numberOfEvaluationPeriods": 2, "minFailingPeriodsToAlert": 1}), "48 hours"),
        (set_timing(windowSize="PT8H"), "does not offer"),
        (set_timing(evaluationFrequency="PT6H", windowSize="PT1H"), "gaps"),
        (set_timing(evaluationFrequency="P1D"), "every 12 hours"),
        (lambda document: document["timings"][RULE["timing"]].pop("PT1H"), "collection intervals"),
    ],
)
def test_what_azure_would_refuse_is_found(change: Callable[[dict[str, Any]], None], message: str) -> None:
    found = list(rule_problems(changed(change)))

    assert found
    assert all(message in problem for problem in found)


@pytest.mark.parametrize(
    ("column", "kind", "message"),
    [
        ("Customer", "bool", "no text column Customer"),
        ("Violations", "string", "no number Violations"),
        ("Read_at", "datetime", "returns the time Read_at"),
    ],
)
def test_a_rule_that_does_not_fit_its_querys_answer_is_found(
    analyses: dict[str, Analysis], column: str, kind: str, message: str
) -> None:
    [problem] = result_problems(RULE, {**analyses[RULE_QUERY].columns, column: kind})

    assert message in problem


def test_rules_file_and_queries_are_where_bicep_loads_them() -> None:
    assert RULES_FILE.is_file()
    assert {path.name for path in QUERIES_DIRECTORY.glob("*.kql")} >= {
        f"{rule['query']}.kql" for rule in read_document()["rules"]
    }
