"""Copies of the infrastructure to break, and an Azure CLI that answers from a script."""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

PROJECT = Path(__file__).resolve().parent.parent.parent

FAKE_AZ = """#!{python} -IS
import json, pathlib, sys
here = pathlib.Path(__file__).parent
arguments = " ".join(sys.argv[1:])
with (here / "asked").open("a") as asked:
    asked.write(arguments + "\\n")
(here / "arguments.json").write_text(json.dumps(sys.argv[1:]))
for words, answer in json.loads((here / "answers.json").read_text()).items():
    if arguments.startswith(words):
        if isinstance(answer, str):
            sys.exit(answer)
        print(json.dumps(answer))
        sys.exit(0)
sys.exit("ERROR: the operation was refused")
"""

type_answers = dict[str, Any]


@pytest.fixture
def infrastructure(tmp_path: Path) -> Path:
    """A copy of infra/ that a test may spoil."""
    copy = tmp_path / "infra"
    shutil.copytree(PROJECT / "infra", copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


@pytest.fixture
def azure_cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[type_answers], Path]:
    """Put an `az` first on the PATH: answers by the beginning of the arguments, a text is an error, else refused.

    Returns the file that lists what was asked. The arguments of the last call are in arguments.json next to it.
    """
    folder = tmp_path / "bin"
    folder.mkdir()
    # What azd or a workflow has set for the machine that runs the tests is not what the tests are about.
    for name in (
        "AZURE_ENV_NAME",
        "AZURE_SUBSCRIPTION_ID",
        "AZURE_TENANT_ID",
        "AZURE_RESOURCE_GROUP",
        "GITHUB_ACTIONS",
    ):
        monkeypatch.delenv(name, raising=False)

    def install(answers: type_answers) -> Path:
        program = folder / "az"
        program.write_text(FAKE_AZ.format(python=sys.executable))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        (folder / "answers.json").write_text(json.dumps(answers))
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        return folder / "asked"

    return install
