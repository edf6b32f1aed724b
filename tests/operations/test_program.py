"""The commands as a program: settings, help, the module, questions on a terminal."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.world.customers import Customer
from tests.operations.command_line import WHY, Cli, listed

ROOT = Path(__file__).parents[2]


def test_every_bad_setting_is_named_with_exit_status_2(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AzureWebJobsStorage")
    monkeypatch.setenv("AZURE_TENANT_ID", "contoso")
    done = cli("list", "--json")
    assert done.status == 2
    assert [problem.partition(":")[0] for problem in done.document["settings"]] == [
        "AZURE_TENANT_ID",
        "AzureWebJobsStorage",
    ]
    assert "AZURE_TENANT_ID" in done.errors


def test_help_comes_without_settings_and_without_azure() -> None:
    script = (
        "import sys, runpy; sys.argv = ['operations', '--help']\n"
        "try: runpy.run_module('operations', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "print([name for name in sys.modules if name.startswith(('azure', 'aiohttp', 'rich'))])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env={}, capture_output=True, text=True, check=True)
    assert "Exit status: 0 done" in " ".join(done.stdout.split())
    assert done.stdout.rstrip().endswith("[]")


def test_the_module_runs_as_a_program(registered: Customer, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "operations", "list", "--find", "contoso"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert registered.application_name in done.stdout


@pytest.mark.parametrize(("answer", "status"), [("y\n", 0), ("\n", 1)])
def test_on_a_terminal_it_asks(
    cli: Cli, registered: Customer, monkeypatch: pytest.MonkeyPatch, answer: str, status: int
) -> None:
    registered.start_deleting()
    keyboard = io.StringIO(answer)
    monkeypatch.setattr(keyboard, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", keyboard)
    monkeypatch.setenv("FORCE_COLOR", "1")
    done = cli("remove", registered.application_id, *WHY)
    assert done.status == status
    assert "Take" in done.errors
    assert len(listed(cli)) == status


def test_the_old_name_of_the_program_says_the_new_one() -> None:
    command = [sys.executable, "-m", "publisher", "list"]
    done = subprocess.run(command, cwd=ROOT, env={}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "python -m operations" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("list", "--json", "--bogus"), "unrecognized arguments: --bogus"),
        (("remediate", "--json"), "the following arguments are required: ID, --assignment"),
        (("scan", "nonsense\x1b[2J", "--json"), "not the id of a managed application"),
        (("scan", "--json"), "name an application, or --all-open"),
    ],
)
def test_bad_usage_is_one_json_object_too(cli: Cli, arguments: tuple[str, ...], complaint: str) -> None:
    done = cli(*arguments)
    assert (done.status, complaint in done.document["error"], complaint in done.errors) == (2, True, True), done.errors
    assert "\x1b" not in done.output + done.errors


def test_a_terminal_on_which_nobody_sees_the_question_is_told_as_none(
    cli: Cli, registered: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered.start_deleting()
    keyboard = io.StringIO("y\n")
    monkeypatch.setattr(keyboard, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", keyboard)  # errors go to a file
    done = cli("remove", registered.application_id, *WHY)
    assert (done.status, "say --yes, there is no terminal to ask on" in done.errors) == (2, True), done.errors
