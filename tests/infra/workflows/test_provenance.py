"""What is deployed is what was built."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import pytest

from tests.infra.workflows.runner import PROJECT, Runner, step

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
