"""However a hook is called and whatever az answers: its own words and exit status, never a traceback."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.hooks import postdeploy, preprovision
from infra.hooks.azure_cli import ask_object
from infra.hooks.run import run_hook
from tests.infra import azure_states as states
from tests.infra.test_parameters import ENVIRONMENT
from tests.infra.test_postdeploy import ANSWERS, DEPLOYED

PROJECT = Path(__file__).resolve().parents[2]
AzureCli = Callable[[dict[str, Any]], Path]
EVERY_ANSWER = {**states.EVERYTHING, **states.FREE, **ANSWERS, "functionapp show": {"defaultHostName": "127.0.0.1:1"}}

HOOKS = {
    "preprovision": [],
    "postdeploy": ["--group", "rg-production"],
    "smoke_test": ["rg-production"],
    "parameters": ["FILE"],
    "summary": ["OUTPUTS"],
}

HOOK_MAINS = {"preprovision": preprovision.main, "postdeploy": lambda: postdeploy.main(["--group", "rg-production"])}
AFTER = {
    words
    for words in EVERY_ANSWER
    if words.startswith(("functionapp ", "identity ", "ad ", "account ", "cloud ", "role "))
}
ASKED = {"preprovision": set(states.EVERYTHING) | set(states.FREE), "postdeploy": AFTER}
"""The questions of each hook, by the beginning of their arguments."""


def command(name: str, tmp_path: Path) -> list[str]:
    outputs = tmp_path / "outputs.json"
    outputs.write_text(json.dumps({key: {"value": value} for key, value in DEPLOYED.items()}))
    replaced = {"FILE": str(tmp_path / "parameters.json"), "OUTPUTS": str(outputs)}
    return [sys.executable, "-m", f"infra.hooks.{name}", *(replaced.get(word, word) for word in HOOKS[name])]


def environment(**more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], **ENVIRONMENT, **more}


@pytest.mark.parametrize("name", ["preprovision", "postdeploy", "summary"])
def test_a_reader_that_goes_away_gets_no_traceback(azure_cli: AzureCli, tmp_path: Path, name: str) -> None:
    azure_cli(EVERY_ANSWER)
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        command(name, tmp_path),
        cwd=PROJECT,
        env=environment(),
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
        text=True,
    )
    os.close(writing)
    assert done.returncode == 1
    assert done.stderr == "problem: the reader of the output closed it early: run the command again without the pipe\n"


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
@pytest.mark.parametrize("name", ["preprovision", "postdeploy", "summary", "parameters"])
def test_a_hook_without_standard_output_does_its_work(
    azure_cli: AzureCli, tmp_path: Path, name: str, closed: str
) -> None:
    azure_cli(EVERY_ANSWER)
    line = f"{shlex.join(command(name, tmp_path))} {closed}"
    done = subprocess.run(
        ["/bin/sh", "-c", line], cwd=PROJECT, env=environment(), capture_output=True, check=False, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("answer", ["[" * 200_000, "9" * 6000])
def test_an_answer_beyond_all_measure_is_no_json(azure_cli: AzureCli, answer: str) -> None:
    program = azure_cli({}).with_name("az")
    program.with_name("answer").write_text(answer)
    program.write_text('#!/bin/sh\ncat "${0%az}answer"\n')
    assert ask_object("account", "show").reason == "az account show did not answer with JSON"


@pytest.mark.parametrize("shape", [None, {}, [{}]])
@pytest.mark.parametrize(
    "question",
    [(name, words) for name, asked in ASKED.items() for words in EVERY_ANSWER if words in asked],
    ids=": ".join,
)
def test_no_answer_of_az_makes_a_hook_stumble(
    azure_cli: AzureCli,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    question: tuple[str, str],
    shape: object,
) -> None:
    name, words = question
    azure_cli({words: shape, **{other: answer for other, answer in EVERY_ANSWER.items() if other != words}})
    for variable, value in ENVIRONMENT.items():
        monkeypatch.setenv(variable, value)
    status = run_hook(HOOK_MAINS[name])
    told = capsys.readouterr().err.splitlines()
    assert status in (0, 1)
    assert all(line.startswith("problem: ") for line in told)
    assert bool(told) == bool(status)


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    target = tmp_path / "missing" / "parameters.json"
    done = subprocess.run(
        [sys.executable, "-m", "infra.hooks.parameters", str(target)],
        cwd=PROJECT, env=environment(), capture_output=True, check=False, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == f"problem: {target}: No such file or directory\n"


def test_a_console_that_knows_few_characters_gets_the_others_escaped(tmp_path: Path) -> None:
    line = command("summary", tmp_path)
    outputs = Path(line[-1])
    outputs.write_text(json.dumps({**json.loads(outputs.read_text()), "NOTES": {"value": ["caf\u00e9"]}}))
    done = subprocess.run(
        line, cwd=PROJECT, env=environment(PYTHONIOENCODING="ascii"), capture_output=True, check=False, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "- caf\\xe9\n" in done.stdout


@pytest.mark.parametrize(
    "module", ["hooks.preprovision", "hooks.package", "pipeline.environment_guard", "pipeline.what_if_comment"]
)
def test_a_python_that_is_too_old_is_told_as_that(module: str) -> None:
    """The python3 of macOS is 3.9, which does not know what the hooks are written with."""
    pretended = (
        f"import runpy, sys; sys.version_info = (3, 9, 6); runpy.run_module('infra.{module}', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", pretended], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("problem: ")
    assert "3.11 or later is needed" in line
