"""A release is the tagged version, says what changed, and holds what was built from it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from typing import Any

import pytest
import yaml

from checks.release_notes import CHANGELOG, ReleaseError, notes, sections
from infra.hooks.lock import PROJECT
from publisher.configuration.version import VERSION

LOG = """# Changelog

## Unreleased

## 1.1.0 - 2026-12-01

### Added

- Something.

## 1.0.0 - 2026-11-25

First.
"""


def workflow(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((PROJECT / ".github" / "workflows" / name).read_text(encoding="utf-8"))
    return document


def read(name: str) -> str:
    return (PROJECT / name).read_text(encoding="utf-8")


def test_a_release_says_its_own_section_and_no_other() -> None:
    assert notes("v1.1.0", LOG, "1.1.0") == "### Added\n\n- Something."
    assert notes("v1.0.0", LOG, "1.0.0") == "First."


@pytest.mark.parametrize(
    ("tag", "log", "complaint"),
    [
        ("v1.2.0", LOG, r"v1\.2\.0 is not v1\.1\.0.*publisher/configuration/version\.py"),
        ("1.1.0", LOG, r"1\.1\.0 is not v1\.1\.0"),
        ("v1.1.0", LOG.replace("1.1.0 - ", "1.1.1 - "), r'nothing under a heading "## 1\.1\.0'),
        ("v1.1.0", LOG.replace(" - 2026-12-01", ""), "nothing under a heading"),
        ("v1.1.0", LOG.replace("### Added\n\n- Something.", ""), "nothing under a heading"),
        ("v1.1.0", LOG.replace("## Unreleased", "## Unreleased\n\n- Forgotten."), 'under "Unreleased": move them'),
        ("v1.1.0", "", "nothing under a heading"),
    ],
)
def test_a_tag_that_is_not_ready_is_refused(tag: str, log: str, complaint: str) -> None:
    with pytest.raises(ReleaseError, match=complaint):
        notes(tag, log, "1.1.0")


def test_the_command_refuses_in_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "checks.release_notes", "v0.0.0"],
        cwd=PROJECT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)


def test_the_change_log_has_the_present_version_and_newest_first() -> None:
    headings = list(sections(CHANGELOG.read_text(encoding="utf-8")))
    assert headings[0] == "Unreleased"
    versions = [heading.split(" - ")[0] for heading in headings[1:]]
    assert VERSION in versions
    assert versions == sorted(versions, key=lambda version: [int(part) for part in version.split(".")], reverse=True)


def test_the_version_stands_in_one_place() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "version" not in project
    assert "version" in project["dynamic"]


def test_every_workflow_compiles_templates_with_the_one_pinned_bicep() -> None:
    runtime = json.loads((PROJECT / "infra" / "runtime.json").read_text(encoding="utf-8"))
    assert re.fullmatch(r"v0\.\d+\.\d+", runtime["bicepVersion"])
    for path in (PROJECT / ".github" / "workflows").glob("*.yml"):
        # infra.pipeline.compile_template installs that version; every workflow calls it or takes its artifact.
        assert "az bicep" not in path.read_text(encoding="utf-8"), path.name


def test_a_release_is_tested_first_and_every_file_of_it_is_attested() -> None:
    jobs = workflow("release.yml")["jobs"]
    assert (jobs["build"]["needs"], jobs["publish"]["needs"]) == ("check", "build")
    assert jobs["check"]["uses"] == "$/.github/workflows/check.yml"
    commands = "\n".join(step.get("run", "") for step in jobs["build"]["steps"])
    assert set(re.findall(r"out/release/([\w.]+)", commands)) == {"main.json", "package.zip", "sbom.cdx.json"}
    (template,) = [step["with"] for step in jobs["build"]["steps"] if "download-artifact" in step.get("uses", "")]
    assert template == {"name": "template", "path": "${{ runner.temp }}/out/release"}
    (attest,) = [step for step in jobs["publish"]["steps"] if "attest-build-provenance" in step.get("uses", "")]
    assert attest["with"]["subject-path"] == "${{ runner.temp }}/release/*"
    assert '"$RUNNER_TEMP"/release/*' in jobs["publish"]["steps"][-1]["run"]
    assert workflow("release.yml")[True] == {"push": {"tags": ["v*"]}}, "YAML reads the key `on` as true"


def test_only_the_job_that_publishes_may_write() -> None:
    jobs = workflow("release.yml")["jobs"]
    assert jobs["check"]["permissions"] == jobs["build"]["permissions"] == {"contents": "read"}
    assert jobs["publish"]["permissions"] == {"contents": "write", "id-token": "write", "attestations": "write"}
    assert not any("checkout" in step.get("uses", "") for step in jobs["publish"]["steps"])
