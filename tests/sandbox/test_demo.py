"""The demonstration succeeds as a command, twice at once, and fails as soon as what it shows is not what should be."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil

from sandbox.console import open_console
from sandbox.demo import run_demo
from sandbox.effects import AnswerLost
from sandbox.functions_process import REPOSITORY
from sandbox.operations import Upload

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox.installation import Installation

DEMO = [sys.executable, "-m", "sandbox", "demo"]


def start(folder: Path) -> subprocess.Popen[str]:
    folder.mkdir()
    # A proxy that does not exist: nothing may be asked of it.
    environment = os.environ | {"TMPDIR": str(folder), "http_proxy": "http://127.0.0.1:9", "no_proxy": ""}
    return subprocess.Popen(DEMO, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True, encoding="utf-8")


def told(prepare: Callable[[Installation], None]) -> tuple[int, str]:
    stream = io.StringIO()
    status = run_demo(open_console(stream), prepare=prepare)
    return status, " ".join(stream.getvalue().split())


def test_two_demonstrations_side_by_side_succeed_and_leave_nothing_behind(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    with start(folders[0]) as one, start(folders[1]) as two:
        outputs = [process.communicate(timeout=100)[0] for process in (one, two)]
    for output in outputs:
        assert "✗" not in output
        assert "checks hold." in output
        assert "\x1b" not in output
    assert (one.returncode, two.returncode) == (0, 0)
    assert [list(folder.iterdir()) for folder in folders] == [[], []]


def test_a_demonstration_that_is_ended_early_leaves_nothing_behind(tmp_path: Path) -> None:
    with start(tmp_path / "here") as demo:
        assert demo.stdout is not None
        while "Customers deploy" not in demo.stdout.readline():
            pass
        children = psutil.Process(demo.pid).children(recursive=True)
        demo.send_signal(signal.SIGTERM)
        demo.communicate(timeout=60)
    assert demo.returncode == 128 + signal.SIGTERM
    assert len(children) == 2
    assert psutil.wait_procs(children, timeout=30)[1] == []
    assert list((tmp_path / "here").iterdir()) == []


def test_rows_that_arrive_twice_fail_the_demonstration() -> None:
    """The uploader cannot know that its rows were stored when the answer is lost, and sends them again."""

    def lose_one_answer(installation: Installation) -> None:
        installation.sandbox.faults.add(Upload("Custom-PolicyComplianceStates_CL"), AnswerLost(), times=1)

    status, output = told(lose_one_answer)
    assert status == 1
    assert "✗ the table has every state once" in output
    assert "unexpected ('/subscriptions/" in output
    assert "1 of " in output
    assert "checks failed" in output
    assert "Executed 'collect_policy_states' (Succeeded" in output


def test_a_function_that_fails_fails_the_demonstration() -> None:
    def forget_the_publisher(installation: Installation) -> None:
        installation.sandbox.entra_id.secrets.clear()

    status, output = told(forget_the_publisher)
    assert status == 1
    assert "✗ Azure's notifications are taken in" in output
    assert "found [200, 503, " in output


def test_a_host_that_goes_away_ends_the_demonstration_with_its_log() -> None:
    status, output = told(lambda installation: installation.functions.stop())
    assert status == 1
    assert "FunctionsHostFailedError: The Functions host does not answer" in output
