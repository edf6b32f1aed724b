from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from checks import workflows


@pytest.fixture
def github(tmp_path: Path) -> Path:
    copy = tmp_path / ".github"
    shutil.copytree(workflows.GITHUB, copy)
    return copy


def test_the_workflows_pass_every_check() -> None:
    assert workflows.problems() == []


def test_every_kind_of_mistake_in_a_workflow_is_found(github: Path) -> None:
    path = github / "workflows" / "ci.yml"
    text = path.read_text()
    changes = {
        "actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2": "actions/checkout@v6",
        "actions/setup-python@a309ff8b426b58ec0e2a45f0f869d46889d02405 # v6.2.0": "actions/setup-python@a309ff8b426b58ec0e2a45f0f869d46889d02405",
        "permissions: {}": "permissions: write-all",
        "      - run: make lint\n": "      - run: cd $GITHUB_WORKSPACE && make lint ${{ github.event.pull_request.title }}\n",
        "    environment: preview\n": "",
        "    timeout-minutes: 10\n": "",
    }
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text)
    found = "\n".join(workflows.problems(github))
    for complaint in (
        "pin the action by its full commit: - uses: actions/checkout@v6",
        "say the version in a comment: actions/setup-python@",
        "set `permissions: {}`",
        "has no timeout-minutes",
        "signs in without an environment",
        "SC2086",
        "template-injection",
    ):
        assert complaint in found, complaint


def test_a_workflow_that_github_would_not_take_is_found(github: Path) -> None:
    path = github / "workflows" / "code.yml"
    path.write_text(path.read_text().replace("      - run: make lint", "      - ran: make lint", 1))
    found = workflows.problems(github)
    assert any("Unexpected value 'ran'" in problem for problem in found)
    assert any(problem.startswith("code.yml: $.jobs") for problem in found), found


def test_dependabot_is_checked_too(github: Path) -> None:
    path = github / "dependabot.yml"
    path.write_text(path.read_text().replace("interval: weekly", "interval: fortnightly", 1))
    assert any(problem.startswith("dependabot.yml: ") for problem in workflows.problems(github))


def test_no_workflow_stores_a_credential() -> None:
    for path in (workflows.GITHUB / "workflows").glob("*.yml"):
        text = path.read_text()
        assert "client-secret" not in text
        assert "creds:" not in text
        assert "publish-profile" not in text
