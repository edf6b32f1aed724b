"""Compiles main.bicep to an ARM template, with the Bicep CLI of infra/runtime.json and no other.

`python -m infra.hooks.compile_template FILE.json`; exit status 1 on an error, and on a warning of the compiler or its
linter.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from infra.hooks.parameters import INFRA, TEMPLATE

RUNTIME: Final = INFRA / "runtime.json"
_DIAGNOSTIC: Final = re.compile(r"\(\d+,\d+\) : (?:Warning|Error|Info) ")
_SETTINGS: Final = {
    # In a GitHub workflow az would otherwise use whatever Bicep the runner's image has on its PATH.
    "AZURE_BICEP_USE_BINARY_FROM_PATH": "false",
    "AZURE_BICEP_CHECK_VERSION": "false",
}


def compile_template(target: Path) -> str:
    """Write the template; return what is wrong with it, empty when nothing is.

    Raises:
        ValueError: the Azure CLI is missing, or Bicep could not be installed.
    """
    program = shutil.which("az")
    if program is None:
        raise ValueError("the Azure CLI (az) is not installed: learn.microsoft.com/cli/azure/install-azure-cli")
    version = json.loads(RUNTIME.read_text(encoding="utf-8"))["bicepVersion"]
    installed = _run(program, "bicep", "install", "--version", version)
    if installed.returncode:
        raise ValueError(f"Bicep {version} could not be installed: {installed.stderr.strip()}")
    built = _run(program, "bicep", "build", "--file", str(TEMPLATE), "--outfile", str(target))
    if built.returncode:
        return built.stderr.strip() or f"az bicep build ended with {built.returncode}"
    return "\n".join(line for line in built.stderr.splitlines() if _DIAGNOSTIC.search(line))


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - fixed program and arguments
        command, capture_output=True, check=False, encoding="utf-8", env={**os.environ, **_SETTINGS}
    )


def main(arguments: list[str]) -> int:
    """Compile; print what is wrong."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m infra.hooks.compile_template FILE.json\n")
        return 2
    try:
        wrong = compile_template(Path(arguments[0]))
    except ValueError as error:
        wrong = str(error)
    if wrong:
        sys.stderr.write(f"{wrong}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
