"""Compiles Bicep to an ARM template, with the Bicep CLI of infra/runtime.json and no other.

`python -m infra.pipeline.compile_template FILE.json [FILE.bicep]`; without the second one it compiles infra/main.bicep.
Warnings of the compiler and its linter are printed, an error ends it with exit status 1. az downloads the compiler and
compares it with nothing, so its SHA-256 is compared with those of runtime.json before it compiles.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from infra.hooks.azure_cli import NOT_INSTALLED
from infra.hooks.parameters import INFRA, TEMPLATE
from infra.hooks.run import HookError, run_hook

if TYPE_CHECKING:
    from collections.abc import Mapping

RUNTIME: Final = INFRA / "runtime.json"
_DIAGNOSTIC: Final = re.compile(r"\(\d+,\d+\) : (?:Warning|Error|Info) ")
_SETTINGS: Final = {
    # In a GitHub workflow az would otherwise use whatever Bicep the runner's image has on its PATH.
    "AZURE_BICEP_USE_BINARY_FROM_PATH": "false",
    "AZURE_BICEP_CHECK_VERSION": "false",
}


def compile_template(target: Path, template: Path = TEMPLATE) -> list[str]:
    """Write the compiled template; return what the compiler and its linter warn of, a line each.

    Raises:
        HookError: the Azure CLI is missing, Bicep could not be installed or is another one, or the template has errors.
    """
    program = shutil.which("az")
    if program is None:
        raise HookError(NOT_INSTALLED)
    runtime = json.loads(RUNTIME.read_text(encoding="utf-8"))
    version = runtime["bicepVersion"]
    installed = _run(program, "bicep", "install", "--version", version)
    if installed.returncode:
        raise HookError(f"Bicep {version} could not be installed: {installed.stderr.strip()}")
    _compare(version, runtime["bicepSha256"])
    built = _run(program, "bicep", "build", "--file", str(template), "--outfile", str(target))
    if built.returncode:
        raise HookError(built.stderr.strip() or f"az bicep build ended with {built.returncode}")
    return [line for line in built.stderr.splitlines() if _DIAGNOSTIC.search(line)]


def _compare(version: str, published: Mapping[str, str]) -> None:
    """Raise HookError unless the compiler in az's own folder is one of the published files of this version."""
    folder = Path(os.environ.get("AZURE_CONFIG_DIR") or Path.home() / ".azure").expanduser() / "bin"
    compiler = folder / ("bicep.exe" if os.name == "nt" else "bicep")
    try:
        found = hashlib.sha256(compiler.read_bytes()).hexdigest()
    except OSError as error:
        raise HookError(f"Bicep {version} cannot be compared: {compiler}: {error.strerror or error}") from None
    if found not in published.values():
        raise HookError(
            f"{compiler} has the SHA-256 {found}, which infra/runtime.json does not have for Bicep {version}: "
            "delete it; if it comes again, ask whoever answers for the download, or compile on Linux x64"
        )


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - fixed program and arguments
        command, capture_output=True, check=False, encoding="utf-8", env={**os.environ, **_SETTINGS}
    )


def main(arguments: list[str]) -> int:
    """Compile; print the warnings."""
    if len(arguments) not in (1, 2):
        sys.stderr.write("usage: python -m infra.pipeline.compile_template FILE.json [FILE.bicep]\n")
        return 2
    for warning in compile_template(*map(Path, arguments)):
        sys.stderr.write(f"{warning}\n")
    return 0


if __name__ == "__main__":
    sys.exit(run_hook(lambda: main(sys.argv[1:])))
