"""What a push deploys."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.hooks import package
from infra.pipeline import changed_parts
from tests.infra.workflows.runner import PROJECT, run


def test_what_is_code_is_decided_by_the_package_itself() -> None:
    every = package.project_files()
    assert sorted(changed_parts.packaged(every)) == sorted(package.packaged_files())


@pytest.mark.parametrize(
    ("name", "infrastructure", "code"),
    [
        ("collector/run.py", False, True),
        ("collector/deleted.py", False, True),
        ("compliance_api/dashboard/index.html", False, True),
        ("requirements.txt", False, True),
        ("host.json", False, True),
        (".funcignore", False, True),
        (".gitignore", False, True),
        ("infra/queries/fleet_summary.kql", True, True),
        ("infra/runtime.json", True, True),
        ("infra/hooks/package.py", False, True),
        ("infra/main.bicep", True, False),
        ("infra/modules/deleted.bicep", True, False),
        ("infra/main.parameters.json", True, False),
        ("infra/hooks/preprovision.py", False, False),
        ("infra/pipeline/preview_role.json", False, False),
        ("tests/infra/test_docs.py", False, False),
        ("bench/__main__.py", False, False),
        ("docs/deployment.md", False, False),
        ("README.md", False, False),
        (".github/workflows/deploy.yml", False, False),
    ],
)
def test_a_change_deploys_what_it_belongs_to(name: str, infrastructure: bool, code: bool) -> None:
    assert changed_parts.parts([name]) == {"infrastructure": infrastructure, "code": code}


def test_a_commit_is_compared_with_the_one_that_was_deployed_last(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    shutil.copy(PROJECT / ".funcignore", tmp_path)
    first = commit(tmp_path, {"docs/a.md": "a", "collector/run.py": "x", "infra/main.bicep": "x"})
    commit(tmp_path, {"docs/a.md": "b"})
    names = changed_parts.changed_files(first, tmp_path)
    assert names == ["docs/a.md"]
    assert changed_parts.parts(names, tmp_path) == {"infrastructure": False, "code": False}
    (tmp_path / "collector/run.py").unlink()
    commit(tmp_path, {"docs/a.md": "c"})
    names = changed_parts.changed_files(first, tmp_path)
    assert names == ["collector/run.py", "docs/a.md"]
    assert changed_parts.parts(names, tmp_path) == {"infrastructure": False, "code": True}


@pytest.mark.parametrize("known", ["", "0" * 40, "no commit"])
def test_without_a_known_commit_everything_is_deployed(known: str) -> None:
    assert changed_parts.to_deploy([known], []) == {"infrastructure": True, "code": True}


CURRENT = 100


def past(number: int, commit: str, conclusion: str = "success", by_hand: str = "") -> dict[str, Any]:
    """One run; `by_hand` is the environment that a person deployed to, empty for a push."""
    return {
        "databaseId": number,
        "event": "workflow_dispatch" if by_hand else "push",
        "conclusion": conclusion,
        "displayTitle": f"Deploy code to {by_hand}" if by_hand else "Deploy what has changed to production",
        "headSha": commit,
    }


def test_what_may_be_in_azure_goes_back_to_the_last_push_that_succeeded() -> None:
    runs = [
        past(101, "waits", ""),
        past(CURRENT, "this"),
        past(99, "half", "failure"),
        past(98, "tag", by_hand="production"),
        past(97, "elsewhere", by_hand="staging"),
        past(96, "good"),
        past(95, "older"),
        past(94, "older tag", by_hand="production"),
    ]
    assert changed_parts.deployed(runs, str(CURRENT)) == (["half", "good"], ["tag"])
    assert changed_parts.deployed(runs[:5], str(CURRENT)) == (["half", ""], ["tag"])
    assert changed_parts.deployed([], str(CURRENT)) == ([""], [])


def test_a_push_that_takes_back_a_failed_one_deploys_what_that_had_deployed(tmp_path: Path) -> None:
    good, (half,) = history(tmp_path, {"infra/main.bicep": "new"}, {"infra/main.bicep": "old"})
    assert changed_parts.to_deploy([good], [], tmp_path) == {"infrastructure": False, "code": False}
    assert changed_parts.to_deploy([half, good], [], tmp_path) == {"infrastructure": True, "code": False}


def test_the_first_change_after_going_back_to_a_tag_deploys_everything_that_differs_from_it(tmp_path: Path) -> None:
    tag, (good,) = history(tmp_path, {"infra/main.bicep": "new"}, {"collector/run.py": "new"})
    assert changed_parts.to_deploy([good], [], tmp_path) == {"infrastructure": False, "code": True}
    assert changed_parts.to_deploy([good], [tag], tmp_path) == {"infrastructure": True, "code": True}


def test_a_merge_of_documents_leaves_the_tag_that_was_gone_back_to(tmp_path: Path) -> None:
    tag, (good,) = history(tmp_path, {"collector/run.py": "new"}, {"docs/a.md": "new"})
    assert changed_parts.to_deploy([good], [tag], tmp_path) == {"infrastructure": False, "code": False}


def history(folder: Path, *changes: dict[str, str]) -> tuple[str, list[str]]:
    """Return the first commit and those between it and HEAD, of a repository with one file of each part."""
    git(folder, "init", "--quiet")
    shutil.copy(PROJECT / ".funcignore", folder)
    first = commit(folder, {"docs/a.md": "old", "collector/run.py": "old", "infra/main.bicep": "old"})
    return first, [commit(folder, change) for change in changes][:-1]


def test_runs_that_cannot_be_read_are_told_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "runs.json"
    for text in ("", "{}x", '{"message": "Not Found"}', "[1]", '[{"databaseId": 1}]'):
        file.write_text(text)
        done = run("changed_parts", str(file))
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr
        assert "does not hold what gh run list prints" in done.stderr
    assert run("changed_parts").returncode == 2


def test_the_runs_are_named_as_they_are_looked_for() -> None:
    document = yaml.safe_load((PROJECT / ".github/workflows/deploy.yml").read_text())
    chosen = "${{ inputs.environment || 'production' }}"
    assert document["run-name"].endswith(f" to {chosen}")
    assert changed_parts.PUSHED_TO == "production"


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    program = str(shutil.which("git"))
    done = subprocess.run(
        [program, "-C", str(folder), *identity, *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def commit(folder: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "change")
    return git(folder, "rev-parse", "HEAD")
