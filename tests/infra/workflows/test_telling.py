"""A workflow that failed opens one issue."""

from __future__ import annotations

import yaml

from tests.infra.workflows.runner import FOLDER, Runner, step

TELL = ("tell.yml", "tell", "Open an issue, or comment on the open one")
ABOUT = {"RUN": "https://github.example/runs/1", "COMMIT": "abc"}


def told_by(workflow: str) -> dict[str, str]:
    """What the step gets when the workflow calls it, by the names of its environment."""
    call = yaml.safe_load((FOLDER / workflow).read_text())["jobs"]["tell"]
    (item,) = yaml.safe_load((FOLDER / TELL[0]).read_text())["jobs"]["tell"]["steps"]
    inputs = {f"${{{{ inputs.{name} }}}}": value for name, value in call["with"].items()}
    return {name: inputs[value] for name, value in item["env"].items() if value in inputs} | ABOUT


def test_a_red_night_opens_one_issue(runner: Runner) -> None:
    runner.program("gh", "")
    assert runner.run(step(*TELL), **told_by("nightly.yml")).returncode == 0
    listed, label, created = runner.asked().splitlines()
    assert listed.startswith("gh issue list --label nightly --state open")
    assert label.startswith("gh label create nightly --force")
    assert created.startswith("gh issue create --title The nightly tests fail --label nightly --body")
    assert created.endswith("failed at abc: https://github.example/runs/1")


def test_a_red_night_after_another_is_a_comment_and_nothing_is_closed(runner: Runner) -> None:
    runner.program("gh", 'case "$*" in "issue list"*) echo 7;; esac')
    assert runner.run(step(*TELL), **told_by("nightly.yml")).returncode == 0
    _, commented = runner.asked().splitlines()
    assert commented == "gh issue comment 7 --body make test-long failed at abc: https://github.example/runs/1"


def test_a_github_that_cannot_be_asked_opens_no_second_issue(runner: Runner) -> None:
    runner.program("gh", "exit 1")
    assert runner.run(step(*TELL), **told_by("nightly.yml")).returncode == 1
    assert "create" not in runner.asked()


def test_a_vulnerable_dependency_opens_an_issue_of_its_own(runner: Runner) -> None:
    runner.program("gh", "")
    assert runner.run(step(*TELL), **told_by("supply-chain.yml")).returncode == 0
    listed, _, created = runner.asked().splitlines()
    assert listed.startswith("gh issue list --label supply-chain --state open")
    assert "--title A dependency is vulnerable, or could not be asked about --label supply-chain" in created
