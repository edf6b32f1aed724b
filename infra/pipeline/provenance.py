"""Whether a file is the one that this run of the workflow built: asked before the session in Azure that deploys it.

`python -m infra.pipeline.provenance FILE SHA256` compares the file with what the job that built it has said, and lets
the GitHub CLI verify the attestation: signed by this workflow, for this commit and ref, on a runner of GitHub. Exit
status 1 and one line when either is not so. Every job of a run can replace the artifacts that jobs hand to each other;
outputs of a job and attestations it cannot.

ATTESTATIONS=unavailable leaves the attestation out, for a private repository whose plan has none. Nothing else does.

Source: https://cli.github.com/manual/gh_attestation_verify.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from infra.hooks.run import HookError, run_hook

if TYPE_CHECKING:
    from collections.abc import Mapping

UNAVAILABLE: Final = "unavailable"
TIMEOUT_SECONDS: Final = 120


def verify(file: Path, sha256: str, environment: Mapping[str, str]) -> str:
    """Return the line that says what was verified.

    Raises:
        HookError: the file is another one, its attestation is missing or somebody else's, or nobody could tell.
    """
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise HookError(f"{file.name}: the job that built it gave no SHA-256; do not deploy, run the workflow again")
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != sha256:
        raise HookError(
            f"{file.name} has the SHA-256 {found}, and the job that built it says {sha256}: do not deploy; another job "
            "of this run has replaced it"
        )
    attestations = environment.get("ATTESTATIONS", "")
    if attestations == UNAVAILABLE:
        return f"{file.name}: SHA-256 {sha256}, as built in this run; attestations are switched off (ATTESTATIONS)"
    if attestations:
        raise HookError(f"ATTESTATIONS is {attestations[:40]!r}: delete the variable, or set it to {UNAVAILABLE}")
    _attested(file, environment)
    return f"{file.name}: SHA-256 {sha256}, as built in this run, and attested"


def _attested(file: Path, environment: Mapping[str, str]) -> None:
    gh = shutil.which("gh")
    if gh is None:
        raise HookError("the GitHub CLI (gh) is not installed on this runner, so no attestation can be verified")
    missing = [name for name in ("REPOSITORY", "WORKFLOW_REF", "REF", "SHA") if not environment.get(f"GITHUB_{name}")]
    if missing:
        raise HookError(f"GITHUB_{missing[0]} is empty: this runs in a workflow of GitHub alone")
    wanted = {
        "--repo": environment["GITHUB_REPOSITORY"],
        "--signer-workflow": environment["GITHUB_WORKFLOW_REF"].partition("@")[0],
        "--source-ref": environment["GITHUB_REF"],
        "--source-digest": environment["GITHUB_SHA"],
    }
    options = [word for option, value in wanted.items() for word in (option, value)]
    command = [gh, "attestation", "verify", str(file), *options, "--deny-self-hosted-runners"]
    try:
        done = subprocess.run(  # noqa: S603 - fixed program; values that GitHub gives to the job
            command, capture_output=True, check=False, encoding="utf-8", errors="replace", timeout=TIMEOUT_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise HookError(f"{file.name}: gh gave no answer within {TIMEOUT_SECONDS} s: run the job again") from None
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["gh did not say why"])[-1]
        raise HookError(
            f"{file.name} is not attested by this run's workflow and commit: do not deploy ({reason[:300]})"
        )


def main(arguments: list[str]) -> int:
    """Print what was verified."""
    if len(arguments) != 2:  # noqa: PLR2004 - as the usage says
        sys.stderr.write("usage: python -m infra.pipeline.provenance FILE SHA256\n")
        return 2
    sys.stdout.write(verify(Path(arguments[0]), arguments[1], os.environ) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(run_hook(lambda: main(sys.argv[1:])))
