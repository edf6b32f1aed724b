"""What the workflow Deploy chooses, and what it does then in a session in Azure."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from tests.infra.workflows.runner import PROJECT, Runner, step

COMPARE = ("deploy.yml", "changes", "Compare with what was deployed last")


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ("everything", "infrastructure=true\ncode=true\n"),
        ("infrastructure", "infrastructure=true\ncode=false\n"),
        ("code", "infrastructure=false\ncode=true\n"),
    ],
)
def test_who_starts_a_deployment_chooses_its_parts(runner: Runner, parts: str, expected: str) -> None:
    done = runner.run(step(*COMPARE), PARTS=parts)
    assert (done.returncode, runner.output.read_text()) == (0, expected)
    assert runner.asked() == ""


def test_a_push_is_compared_with_the_last_push_that_was_deployed(runner: Runner) -> None:
    head = subprocess.run(
        [str(shutil.which("git")), "rev-parse", "HEAD"], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    last = {
        "databaseId": 1,
        "event": "push",
        "conclusion": "success",
        "displayTitle": "x",
        "headSha": head.stdout.strip(),
    }
    runner.program("gh", f"echo '{json.dumps([last])}'")
    done = runner.run(step(*COMPARE), cwd=PROJECT, PARTS="", GITHUB_RUN_ID="2")
    assert (done.returncode, runner.output.read_text()) == (0, "infrastructure=false\ncode=false\n"), done.stderr
    (fields,) = [words.partition(" --json ")[2] for words in runner.asked().splitlines()]
    assert set(fields.split(",")) == set(last)


def test_the_first_push_deploys_everything_and_a_github_that_cannot_be_asked_nothing(runner: Runner) -> None:
    runner.program("gh", "echo '[]'")
    done = runner.run(step(*COMPARE), cwd=PROJECT, PARTS="")
    assert (done.returncode, runner.output.read_text()) == (0, "infrastructure=true\ncode=true\n")
    runner.program("gh", "exit 1")
    assert runner.run(step(*COMPARE), cwd=PROJECT, PARTS="").returncode == 1


DEPLOY_CODE = ("deploy.yml", "code", "Deploy the package to the app of each role")
LISTED = """case "$*" in
  *list*"'front'"*) echo func-x;;
  *list*"'worker'"*) echo func-worker-x;;
  *list*"'api'"*) echo "$API";;
esac"""


@pytest.mark.parametrize(("api", "names"), [("func-api-x", ["worker", "api", ""]), ("", ["worker", ""])])
def test_every_app_that_there_is_gets_the_same_package_the_worker_first(
    runner: Runner, api: str, names: list[str]
) -> None:
    runner.program("az", LISTED)
    done = runner.run(step(*DEPLOY_CODE), AZURE_ENV_NAME="staging", API=api)
    assert (done.returncode, done.stdout) == (0, "")
    deployed = [line for line in runner.asked().splitlines() if "config-zip" in line]
    assert deployed == [
        f"az functionapp deployment source config-zip --resource-group rg-staging --name func-{name and name + '-'}x "
        f"--src {runner.folder}/package.zip --build-remote false"
        for name in names
    ]


def test_code_is_not_deployed_where_there_is_no_app(runner: Runner) -> None:
    runner.program("az", "echo")
    done = runner.run(step(*DEPLOY_CODE), AZURE_ENV_NAME="staging")
    assert (done.returncode, done.stdout) == (1, "no worker in rg-staging: deploy the infrastructure first\n")


def test_a_package_that_is_refused_ends_the_deployment(runner: Runner) -> None:
    runner.program("az", f'{LISTED}\ncase "$*" in *config-zip*) exit 1;; esac')
    assert runner.run(step(*DEPLOY_CODE), AZURE_ENV_NAME="staging", API="").returncode == 1
    assert runner.asked().count("config-zip") == 1


@pytest.mark.parametrize("status", [0, 1])
def test_the_secrets_are_gone_from_the_runner_after_a_deployment_that_succeeded_or_failed(
    runner: Runner, status: int
) -> None:
    (runner.folder / "parameters.json").write_text("hush")
    runner.program("az", f"echo '{{}}'; exit {status}")
    deploy = step("deploy.yml", "infrastructure", "Deploy")
    run_id = {"GITHUB_RUN_ID": "1", "GITHUB_RUN_ATTEMPT": "2", "AZURE_LOCATION": "westeurope"}
    done = runner.run(deploy, **run_id)
    assert done.returncode == status
    assert not (runner.folder / "parameters.json").exists()
    # The template that was compiled and checked in this run, not the sources.
    assert f"--template-file {runner.folder}/main.json " in runner.asked()
