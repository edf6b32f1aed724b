"""The shell scripts of the workflows, run as they stand, with a scripted `az` and `gh` first on the PATH."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).resolve().parent.parent.parent
FOLDER = PROJECT / ".github" / "workflows"


def step(workflow: str, job: str, name: str) -> str:
    steps = yaml.safe_load((FOLDER / workflow).read_text())["jobs"][job]["steps"]
    (script,) = [item["run"] for item in steps if item.get("name") == name]
    assert isinstance(script, str)
    return script


class Runner:
    """A folder with programs that answer from a script, and the files that GitHub gives a step."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output = folder / "output"
        self.summary = folder / "summary"
        (folder / "bin").mkdir()

    def program(self, name: str, script: str) -> None:
        path = self.folder / "bin" / name
        path.write_text(f'#!/bin/bash\necho "{name} $*" >> "{self.folder}/asked"\n{script}\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def run(self, script: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        given = {
            "RUNNER_TEMP": str(self.folder),
            "GITHUB_OUTPUT": str(self.output),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        }
        return subprocess.run(
            ["/bin/bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script],
            cwd=cwd or self.folder,
            env={**os.environ, **given, **environment},
            capture_output=True,
            check=False,
            text=True,
        )

    def asked(self) -> str:
        file = self.folder / "asked"
        return file.read_text() if file.exists() else ""


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


# What is to be deployed

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


# What is deployed is what was built

SHA256 = hashlib.sha256(b"the package").hexdigest()
OF_A_RUN = {
    "GITHUB_REPOSITORY": "contoso/compliance",
    "GITHUB_WORKFLOW_REF": "contoso/compliance/.github/workflows/deploy.yml@refs/heads/main",
    "GITHUB_REF": "refs/heads/main",
    "GITHUB_SHA": "0123abc",
    "ATTESTATIONS": "",
}


def verified(runner: Runner, content: bytes = b"the package", **environment: str) -> subprocess.CompletedProcess[str]:
    (runner.folder / "package.zip").write_bytes(content)
    script = step("deploy.yml", "code", "It is what this run built and attested").replace("python3", sys.executable)
    return runner.run(script, cwd=PROJECT, **{**OF_A_RUN, "SHA256": SHA256, **environment})


def test_the_file_is_verified_against_this_workflow_commit_and_ref(runner: Runner) -> None:
    runner.program("gh", "")
    done = verified(runner)
    assert (done.returncode, done.stdout) == (0, f"package.zip: SHA-256 {SHA256}, as built in this run, and attested\n")
    assert runner.asked() == (
        f"gh attestation verify {runner.folder}/package.zip --repo contoso/compliance"
        " --signer-workflow contoso/compliance/.github/workflows/deploy.yml --source-ref refs/heads/main"
        " --source-digest 0123abc --deny-self-hosted-runners\n"
    )


def test_a_file_that_nobody_attested_is_not_deployed(runner: Runner) -> None:
    runner.program("gh", "echo '* looking'; echo 'HTTP 404: no attestations found' >&2; exit 1")
    done = verified(runner)
    assert (done.returncode, done.stdout) == (1, "")
    assert "is not attested by this run's workflow and commit: do not deploy (HTTP 404: no attestations" in done.stderr


@pytest.mark.parametrize("attestations", ["", "unavailable"])
def test_a_file_that_another_job_replaced_is_not_deployed_whatever_was_attested(
    runner: Runner, attestations: str
) -> None:
    runner.program("gh", "")
    done = verified(runner, b"something else", ATTESTATIONS=attestations)
    assert done.returncode == 1
    assert "another job of this run has replaced it" in done.stderr
    assert runner.asked() == ""


def test_without_attestations_the_hash_of_the_job_that_built_still_has_to_be_right(runner: Runner) -> None:
    runner.program("gh", "exit 1")
    done = verified(runner, ATTESTATIONS="unavailable")
    assert (done.returncode, runner.asked()) == (0, "")
    assert "attestations are switched off" in done.stdout


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"SHA256": ""}, "gave no SHA-256"),
        ({"SHA256": "sha256:" + SHA256}, "gave no SHA-256"),
        ({"ATTESTATIONS": "off"}, "ATTESTATIONS is 'off': delete the variable"),
        ({"GITHUB_SHA": ""}, "GITHUB_SHA is empty"),
        ({"PATH": "/nowhere"}, "the GitHub CLI (gh) is not installed"),
    ],
)
def test_what_cannot_be_verified_is_not_deployed(runner: Runner, environment: dict[str, str], told: str) -> None:
    runner.program("gh", "")
    done = verified(runner, **environment)
    assert done.returncode == 1
    assert told in done.stderr


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


# The comparison with Azure

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


# Telling that something failed

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
