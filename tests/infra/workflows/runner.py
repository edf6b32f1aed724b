"""A step's shell script, run as it stands in its workflow, and the programs of infra/pipeline as workflows run them."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import yaml

PROJECT = Path(__file__).resolve().parents[3]
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


def run(module: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"infra.pipeline.{module}", *arguments],
        cwd=PROJECT,
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
        text=True,
    )
