"""The demonstration succeeds as a command, twice at once, and fails as soon as what it shows is not what should be."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from sandbox.console import open_console
from sandbox.demo.browser import find_browser, picture_of
from sandbox.demo.command import run_demo
from sandbox.faults.effects import AnswerLost, Status
from sandbox.faults.operations import LogQuery, Upload
from sandbox.functions.process import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.installation import Installation

pytestmark = pytest.mark.timeout(300)  # a busy machine is no failure

DEMO = [sys.executable, "-m", "sandbox", "demo"]


def start(folder: Path, **variables: str) -> subprocess.Popen[str]:
    # A proxy that does not exist: nothing may be asked of it.
    environment = os.environ | {"TMPDIR": str(folder), "http_proxy": "http://127.0.0.1:9", "no_proxy": ""} | variables
    return subprocess.Popen(DEMO, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True, encoding="utf-8")


def told(prepare: Callable[[Installation], None]) -> tuple[int, str]:
    stream = io.StringIO()
    status = run_demo(open_console(stream), prepare=prepare)
    return status, " ".join(stream.getvalue().split())


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty one, whose path is short: Chromium's socket has no room for a long one."""
    with tempfile.TemporaryDirectory(prefix="demo-", dir="/tmp") as name:
        yield Path(name)


def test_two_demonstrations_side_by_side_succeed_and_leave_only_a_picture(folder: Path, tmp_path: Path) -> None:
    folders = [folder, tmp_path]
    with start(folders[0]) as one, start(folders[1], PATH="/nowhere") as two:
        outputs = [process.communicate(timeout=240)[0] for process in (one, two)]
    for output in outputs:
        assert "✗" not in output
        assert "checks hold." in output
        assert "\x1b" not in output
    assert (one.returncode, two.returncode) == (0, 0)
    pictures = [[line.split()[-1] for line in output.splitlines() if line.endswith(".png")] for output in outputs]
    assert [len(of_one) for of_one in pictures] == [1 if find_browser() else 0, 0]
    assert [[str(path) for path in one.rglob("*") if not path.is_dir()] for one in folders] == pictures
    assert all(Path(picture).read_bytes().startswith(b"\x89PNG") for picture in pictures[0])


def test_a_demonstration_that_is_ended_early_leaves_nothing_behind(tmp_path: Path) -> None:
    with start(tmp_path) as demo:
        assert demo.stdout is not None
        while "Customers deploy" not in demo.stdout.readline():
            pass
        children = psutil.Process(demo.pid).children(recursive=True)
        demo.send_signal(signal.SIGTERM)
        demo.communicate(timeout=60)
    assert demo.returncode == 128 + signal.SIGTERM
    assert len(children) == 4, "the emulator and three Functions hosts"
    assert psutil.wait_procs(children, timeout=30)[1] == []
    assert list(tmp_path.iterdir()) == []


def test_without_a_browser_there_is_no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert picture_of("http://127.0.0.1:9") is None


def test_a_browser_that_fails_is_told_of_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = tmp_path / "chromium"
    browser.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    browser.chmod(0o755)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    told = picture_of("http://127.0.0.1:9")
    assert told is not None
    assert told.startswith(f"{browser} could not draw the operations page: BrowserType.launch: ")
    assert "\n" not in told
    assert list(temporary.iterdir()) == []


def test_an_api_that_cannot_read_the_workspace_fails_the_demonstration() -> None:
    def close_the_workspace(installation: Installation) -> None:
        installation.sandbox.faults.add(LogQuery(), Status(403))

    status, output = told(close_the_workspace)
    assert status == 1
    assert "✗ only who is signed in gets an answer expected [200, 401, 401] found [503, 401, 401]" in output
    assert "✗ it agrees with the tables" in output
    assert "✗ who could not be read is told as exactly that missing ('Northwind', 'unread', " in output
    assert "The operations page, as" not in output


def test_rows_that_arrive_twice_fail_the_demonstration() -> None:
    """The uploader cannot know that its rows were stored when the answer is lost, and sends them again."""

    def lose_one_answer(installation: Installation) -> None:
        installation.sandbox.faults.add(Upload("Custom-PolicyComplianceStates_CL"), AnswerLost(), times=1)

    status, output = told(lose_one_answer)
    assert status == 1
    assert "✗ the table has every state once" in output
    assert "unexpected ('/subscriptions/" in output
    assert "checks failed" in output, "they stand until the states change or their turn comes"
    assert "Executed 'collect_policy_states' (Succeeded" in output


def test_a_publisher_that_cannot_sign_in_fails_the_demonstration() -> None:
    def forget_the_publisher(installation: Installation) -> None:
        installation.sandbox.entra_id.secrets.clear()

    status, output = told(forget_the_publisher)
    assert status == 1
    assert "✓ Azure's notifications are taken in" in output, "the front knows nothing of the publisher's credential"
    assert "✗ the registry has exactly the fleet" in output


def test_a_host_that_goes_away_ends_the_demonstration_with_its_log() -> None:
    status, output = told(lambda installation: installation.worker.stop())
    assert status == 1
    assert "FunctionsHostFailedError: The worker's Functions host has ended" in output
