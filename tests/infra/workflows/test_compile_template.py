"""The template is compiled by the compiler that the project names, and by no other."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.infra.package_tools import source_archive
from tests.infra.workflows.runner import PROJECT

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
