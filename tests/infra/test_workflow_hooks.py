"""The small programs that the workflows run, as the workflows run them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.hooks import package
from infra.pipeline import changed_parts, github_variables
from tests.infra.package_tools import source_archive

PROJECT = Path(__file__).resolve().parent.parent.parent
AzureCli = Callable[[dict[str, Any]], Path]
OURS = {"name": "rg-production", "location": "westeurope", "tags": {"azd-env-name": "production"}}


def run(module: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"infra.pipeline.{module}", *arguments],
        cwd=PROJECT,
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
        text=True,
    )


# The resource group of the environment


def guard(**environment: str) -> tuple[int, str]:
    done = run("environment_guard", **{"AZURE_ENV_NAME": "production", "AZURE_LOCATION": "West Europe", **environment})
    return done.returncode, done.stderr


def test_an_environment_deploys_into_its_own_resource_group(azure_cli: AzureCli) -> None:
    asked = azure_cli({"group show": OURS})
    assert guard() == (0, "")
    assert "group show --name rg-production " in asked.read_text()


CREATE = "az group create --name rg-production --location westeurope --tags azd-env-name=production"
"""A region with a space in its name would be two words."""


@pytest.mark.parametrize(
    ("group", "told"),
    [
        ({**OURS, "tags": {"azd-env-name": "Production"}}, "belongs to the environment Production, not to production"),
        ({**OURS, "tags": None}, "has no tag azd-env-name; if it is meant for production: " + CREATE),
        ({**OURS, "location": "northeurope"}, "gh variable set AZURE_LOCATION --env production --body northeurope"),
        ("ERROR: Resource group 'rg-production' could not be found.", f"there is no rg-production: {CREATE}"),
        ("ERROR: AuthorizationFailed", "could not be looked up (AuthorizationFailed)"),
    ],
)
def test_any_other_resource_group_is_refused(azure_cli: AzureCli, group: Any, told: str) -> None:
    azure_cli({"group show": group})
    status, problem = guard()
    assert status == 1
    assert told in problem
    assert len(problem.splitlines()) == 1


@pytest.mark.parametrize("variable", ["AZURE_ENV_NAME", "AZURE_LOCATION"])
def test_a_missing_name_or_region_is_told_by_its_variable(azure_cli: AzureCli, variable: str) -> None:
    azure_cli({"group show": OURS})
    status, problem = guard(**{variable: ""})
    assert (status, f"{variable} is empty" in problem) == (1, True)


# The variables of the GitHub environment


def test_every_variable_of_the_parameters_file_reaches_the_template_and_no_other() -> None:
    text = (PROJECT / "infra" / "main.parameters.json").read_text()
    plain, secret = github_variables.names()
    for name in [*plain, *secret, "AZURE_ENV_NAME"]:
        assert f"${{{name}" in text
    assert text.count("${") == len(plain) + len(secret) + 1
    variables = {name: f"value of\n{name}" for name in plain}
    others = {"PATH": "/evil", "AZURE_ENV_NAME": "staging", "BASH_ENV": "/evil"}
    done = run("github_variables", ENVIRONMENT_VARIABLES=json.dumps({**variables, **others}))
    assert done.returncode == 0, done.stderr
    assert read_environment_file(done.stdout) == variables


def test_a_variable_cannot_end_its_own_value_and_begin_another() -> None:
    plain, _ = github_variables.names()
    done = run("github_variables", ENVIRONMENT_VARIABLES=json.dumps({plain[0]: "x\nEOF\nPATH=/evil"}))
    assert list(read_environment_file(done.stdout)) == [plain[0]]


def test_a_secret_that_is_stored_as_a_variable_is_refused_without_being_shown() -> None:
    _, secret = github_variables.names()
    assert {"NOTIFICATION_SIGNATURE", "PUBLISHER_CREDENTIAL", "ALERT_WEBHOOK_URIS"} <= set(secret)
    for name in secret:
        done = run("github_variables", ENVIRONMENT_VARIABLES=json.dumps({name: "hush-hush"}))
        assert (done.returncode, done.stdout) == (1, "")
        assert f"gh secret set {name}" in done.stderr
        assert "hush" not in done.stderr


def test_variables_that_are_no_json_are_told() -> None:
    done = run("github_variables", ENVIRONMENT_VARIABLES="")
    assert (done.returncode, done.stderr) == (1, "ENVIRONMENT_VARIABLES must hold toJSON(vars)\n")


def read_environment_file(text: str) -> dict[str, str]:
    """Read GITHUB_ENV as the runner does."""
    lines, found = iter(text.splitlines()), dict[str, str]()
    for line in lines:
        name, _, end = line.partition("<<")
        found[name] = "\n".join(iter(lines.__next__, end))
    return found


# What a push deploys


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


# The compiled template

BICEP_AZ = """#!/bin/sh
echo "$AZURE_BICEP_USE_BINARY_FROM_PATH $*" >> "{folder}/asked"
case "$2" in
  install)
    echo "{install_error}" >&2
    mkdir -p "$AZURE_CONFIG_DIR/bin" && printf {compiler} > "$AZURE_CONFIG_DIR/bin/bicep"
    test -z "{install_error}" ;;
  build) echo '{{}}' > "$6"; echo "{diagnostic}" >&2; exit {status} ;;
esac
"""


def compiled(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    diagnostic: str = "",
    status: int = 0,
    error: str = "",
    compiler: str = "the compiler",
) -> Any:
    """Compile in a copy of the project whose runtime.json has the SHA-256 of the compiler that az installs."""
    copy = source_archive(folder)
    runtime = json.loads((PROJECT / "infra" / "runtime.json").read_text())
    runtime["bicepSha256"] = {"bicep-linux-x64": hashlib.sha256(b"the compiler").hexdigest()}
    (copy / "infra" / "runtime.json").write_text(json.dumps(runtime))
    az = folder / "az"
    az.write_text(
        BICEP_AZ.format(
            folder=folder, diagnostic=diagnostic, status=status, install_error=error, compiler=shlex.quote(compiler)
        )
    )
    az.chmod(az.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("AZURE_CONFIG_DIR", str(folder / "azure"))
    return subprocess.run(
        [sys.executable, "-m", "infra.pipeline.compile_template", str(folder / "main.json")],
        cwd=copy,
        capture_output=True,
        check=False,
        text=True,
    )


def test_the_template_is_compiled_by_the_bicep_that_the_project_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = json.loads((PROJECT / "infra" / "runtime.json").read_text())["bicepVersion"]
    done = compiled(tmp_path, monkeypatch, diagnostic="WARNING: something about az itself")
    assert (done.returncode, done.stderr) == (0, "")
    install, build = (tmp_path / "asked").read_text().splitlines()
    # Not the Bicep that the runner's image has on its PATH.
    assert install == f"false bicep install --version {version}"
    assert build.startswith(f"false bicep build --file {tmp_path / 'archive' / 'infra' / 'main.bicep'} --outfile ")


def test_a_compiler_that_is_not_the_published_one_compiles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = compiled(tmp_path, monkeypatch, compiler="somebody else's")
    assert done.returncode == 1
    assert "which infra/runtime.json does not have for Bicep" in done.stderr
    assert (tmp_path / "asked").read_text().count("bicep build") == 0
    assert not (tmp_path / "main.json").exists()


def test_a_compiler_that_az_put_elsewhere_is_not_taken_on_trust(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        sys.modules[__name__], "BICEP_AZ", BICEP_AZ.replace('"$AZURE_CONFIG_DIR/bin/bicep"', "/dev/null")
    )
    done = compiled(tmp_path, monkeypatch)
    assert done.returncode == 1
    assert "cannot be compared" in done.stderr
    assert (tmp_path / "asked").read_text().count("bicep build") == 0


def test_the_compilers_that_are_believed_are_those_of_the_version_that_is_installed() -> None:
    """A new version needs new hashes: this one says for which version these were looked up."""
    runtime = json.loads((PROJECT / "infra" / "runtime.json").read_text())
    assert runtime["bicepVersion"] == "v0.47.16", "replace bicepSha256 as well, from the release's own page"
    assert set(runtime["bicepSha256"]) >= {"bicep-linux-x64", "bicep-osx-arm64", "bicep-win-x64.exe"}
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in runtime["bicepSha256"].values())


def test_a_warning_of_the_compiler_is_shown_and_an_error_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = "WARNING: /x/main.bicep(3,7) : Warning no-unused-params: Parameter is declared but never used."
    done = compiled(tmp_path, monkeypatch, diagnostic=line)
    assert (done.returncode, done.stderr) == (0, f"{line}\n")
    done = compiled(tmp_path, monkeypatch, diagnostic="ERROR: broken", status=1)
    assert (done.returncode, done.stderr) == (1, "problem: ERROR: broken\n")


def test_a_bicep_that_cannot_be_installed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = compiled(tmp_path, monkeypatch, error="no network")
    assert done.returncode == 1
    assert done.stderr.endswith("could not be installed: no network\n")
