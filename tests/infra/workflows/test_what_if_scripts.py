"""The comparison with Azure: what leaves its session, the report, and who is told of a difference."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.infra.workflows.runner import PROJECT, Runner, step

ASK = ("what-if.yml", "ask", "Ask, and keep no values of the answer")
needs_jq = pytest.mark.skipif(shutil.which("jq") is None, reason="jq is on GitHub's runners")


@needs_jq
def test_the_answer_leaves_the_session_without_a_value(runner: Runner) -> None:
    compared = [{"path": "0", "before": "hush", "after": "hush"}, {"path": "1", "after": "[reference('hush')]"}]
    delta = {"path": "a", "propertyChangeType": "Array", "children": compared}
    change = {"changeType": "Modify", "resourceId": "/r", "before": {"x": "hush"}, "after": "hush", "delta": [delta]}
    answer = {
        "status": "Succeeded",
        "error": None,
        "changes": [change],
        "potentialChanges": [{**change, "changeType": "Create"}],
        "diagnostics": [{"code": "c", "message": "m", "additionalInfo": [{"info": "hush"}]}],
    }
    (runner.folder / "answer").write_text(json.dumps(answer))
    runner.program("az", 'cat "$RUNNER_TEMP/answer"')
    done = runner.run(step(*ASK), LOCATION="westeurope")
    assert done.returncode == 0, done.stderr
    kept = (runner.folder / "what-if.json").read_text()
    assert "hush" not in kept + done.stdout + done.stderr
    document = json.loads(kept)
    assert document["changes"][0]["delta"][0]["children"] == [{"path": "0"}, {"path": "1", "unresolved": True}]
    assert document["diagnostics"] == [{"code": "c", "message": "m"}]
    assert "--validation-level ProviderNoRbac" in runner.asked()


@needs_jq
def test_a_comparison_that_failed_is_an_answer_with_the_reason(runner: Runner) -> None:
    runner.program("az", "echo 'ERROR: InvalidTemplate - \"line\" 3' >&2; exit 1")
    assert runner.run(step(*ASK), LOCATION="westeurope").returncode == 0
    document = json.loads((runner.folder / "what-if.json").read_text())
    assert document == {"status": "Failed", "error": {"message": 'ERROR: InvalidTemplate - "line" 3\n'}}


REPORT = ("what-if.yml", "report", "Write the report")


@pytest.mark.parametrize(
    ("answer", "verdict", "words"),
    [
        (
            {"changes": [{"changeType": "NoChange", "resourceId": "/r"}], "diagnostics": []},
            "unchanged",
            "Nothing changes",
        ),
        ({"changes": [], "diagnostics": []}, "incomplete", "no resource was compared"),
        ({"status": "Failed", "error": {"message": "refused"}}, "failed", "refused"),
    ],
)
def test_the_report_is_written_with_its_verdict(runner: Runner, answer: object, verdict: str, words: str) -> None:
    (runner.folder / "what-if.json").write_text(json.dumps(answer))
    done = runner.run(step(*REPORT), cwd=PROJECT)
    assert done.returncode == 0, done.stderr
    assert runner.output.read_text() == f"verdict={verdict}\n"
    assert words in (runner.folder / "report.md").read_text()
    assert words in runner.summary.read_text()


DRIFT = ("what-if.yml", "drift", "Open, update or close the issue")


@pytest.mark.parametrize(
    ("verdict", "open_issue", "done", "status"),
    [
        ("unchanged", "", [], 0),
        ("unchanged", "7", ["issue close 7"], 0),
        ("changed", "", ["label create drift", "issue create"], 0),
        ("changed", "7", ["issue edit 7"], 0),
        ("incomplete", "", [], 0),
        ("incomplete", "7", ["issue edit 7"], 0),
        ("failed", "", [], 1),
        ("failed", "7", [], 1),
        ("", "7", [], 1),
    ],
)
def test_one_issue_tells_of_drift_until_azure_is_as_the_template_says(
    runner: Runner, verdict: str, open_issue: str, done: list[str], status: int
) -> None:
    (runner.folder / "report.md").write_text("the report\n")
    runner.program("gh", f'test "$2" != list || echo "{open_issue}"')
    ran = runner.run(step(*DRIFT), VERDICT=verdict, RUN="https://example.com/run")
    assert ran.returncode == status, ran.stderr
    _, *others = runner.asked().splitlines()
    assert len(others) == len(done)
    for line, beginning in zip(others, done, strict=True):
        assert line.startswith(f"gh {beginning}"), line
    if any("--body-file" in line for line in others):
        assert (runner.folder / "issue.md").read_text().startswith("the report\n")


def test_a_comment_is_written_also_when_the_comparison_failed_and_the_job_fails_then(runner: Runner) -> None:
    (runner.folder / "report.md").write_text("x" * 70_000)
    runner.program("gh", "true")
    comment = step("what-if.yml", "comment", "Comment")
    assert runner.run(comment, VERDICT="failed", PULL_REQUEST="https://example.com/1").returncode == 1
    assert "pr comment https://example.com/1" in runner.asked()
    assert (runner.folder / "comment.md").stat().st_size == 65_000
    assert runner.run(comment, VERDICT="changed", PULL_REQUEST="https://example.com/1").returncode == 0
