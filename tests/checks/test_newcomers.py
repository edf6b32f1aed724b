"""What a newcomer reads and fills in first is valid, and agrees with the code."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.hooks import parameters
from infra.hooks.before.values import check_values
from infra.hooks.lock import PROJECT
from infra.hooks.package import project_files
from publisher.configuration.webhook import SHORTEST_SIGNATURE
from publisher.settings import NotificationSettings, SettingsError

GITHUB = PROJECT / ".github"
FORMS = sorted(path for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml")
DOCUMENTS = sorted(name for name in project_files() if name.endswith(".md"))


def read(name: str) -> str:
    return (PROJECT / name).read_text(encoding="utf-8")


def runtime_python() -> str:
    version: str = json.loads(read("infra/runtime.json"))["pythonVersion"]
    return version


@pytest.mark.parametrize(
    ("schema", "paths"),
    [("github-issue-forms", FORMS), ("github-issue-config", [GITHUB / "ISSUE_TEMPLATE" / "config.yml"])],
)
def test_github_can_show_the_issue_forms(schema: str, paths: list[Path]) -> None:
    program = Path(sys.executable).with_name("check-jsonschema")
    command = [program, "--builtin-schema", f"vendor.{schema}", *paths]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout
    assert paths


def test_a_vulnerability_is_led_away_from_issues() -> None:
    config = yaml.safe_load((GITHUB / "ISSUE_TEMPLATE" / "config.yml").read_text(encoding="utf-8"))
    assert config["blank_issues_enabled"] is False
    assert "SECURITY.md" in config["contact_links"][0]["about"]
    for form in FORMS[:2]:
        assert "SECURITY.md" in form.read_text(encoding="utf-8"), form.name


def test_code_owners_name_paths_that_exist() -> None:
    lines = [line for line in (GITHUB / "CODEOWNERS").read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    assert lines[0].split()[0] == "*"
    for line in lines[1:]:
        path, *owners = line.split()
        assert (PROJECT / path.lstrip("/")).exists(), path
        assert all(re.fullmatch(r"@[\w-]+(/[\w-]+)?|\S+@\S+\.\S+", owner) for owner in owners), line


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"])
def test_every_file_that_a_document_links_exists(name: str) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", read(name)):
        assert (PROJECT / target).exists(), target


def test_every_make_target_that_newcomers_are_told_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", read("Makefile"), re.MULTILINE))
    told = set(re.findall(r"\bmake ([a-z-]+)", read("CONTRIBUTING.md") + read(".devcontainer/devcontainer.json")))
    assert told <= targets
    assert {"install", "lint", "test"} <= told


def test_the_development_container_has_the_python_that_runs_in_azure() -> None:
    container: dict[str, Any] = json.loads(read(".devcontainer/devcontainer.json"))
    (image,) = re.findall(r"^FROM (\S+)$", read(f".devcontainer/{container['build']['dockerfile']}"), re.MULTILINE)
    assert re.fullmatch(rf"[\w./]+/python:\d+-{re.escape(runtime_python())}-[a-z]+@sha256:[0-9a-f]{{64}}", image)
    assert container["postCreateCommand"] == "make install"


def test_documents_name_the_pythons_that_are_tested_and_the_one_that_runs() -> None:
    matrix = yaml.safe_load(read(".github/workflows/check.yml"))["jobs"]["test"]["strategy"]["matrix"]["python"]
    oldest, newest = matrix[0], matrix[-1]
    assert f"tested on Python {oldest} to {newest}; the function apps run Python {runtime_python()} " in read(
        "SECURITY.md"
    )
    project = tomllib.loads(read("pyproject.toml"))["project"]
    assert project["requires-python"] == f">={oldest}"
    assert runtime_python() in matrix
    for name in ("README.md", "CONTRIBUTING.md"):
        assert f"Python {oldest} or newer" in read(name), name


@pytest.mark.parametrize(("length", "enough"), [(SHORTEST_SIGNATURE - 1, False), (SHORTEST_SIGNATURE, True)])
def test_the_deployment_and_the_webhook_ask_for_signatures_of_the_same_length(length: int, *, enough: bool) -> None:
    value = f"{'a' * 64},{'b' * length}"
    values = parameters.resolve({"NOTIFICATION_SIGNATURE": value})
    found = [line for line in check_values(values).problems if line.startswith("notificationSignature")]
    assert (found == []) is enough
    with pytest.raises(SettingsError) as error:  # the other settings are missing
        NotificationSettings.from_environment({"NOTIFICATION_SIGNATURE": value})
    found = [line for line in error.value.problems if line.startswith("NOTIFICATION_SIGNATURE")]
    assert (found == []) is enough


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_state_the_length_of_a_signature_that_the_code_asks_for(name: str) -> None:
    for line in read(name).splitlines():
        if "SIGNATURE" in line:
            for length in re.findall(r"(\d+) (?:or more|characters)", line):
                assert int(length) == SHORTEST_SIGNATURE, line


def test_newcomers_are_told_only_of_programs_that_the_project_has() -> None:
    told = set(re.findall(r"python3? -m ((?:checks|infra\.hooks)\.\w+)", "".join(map(read, DOCUMENTS))))
    for module in told:
        folder = PROJECT / module.replace(".", "/")
        assert folder.with_suffix(".py").is_file() or (folder / "__main__.py").is_file(), module
