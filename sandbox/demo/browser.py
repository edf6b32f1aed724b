"""Takes pictures of the operations page, where there is a browser: at the end of the demo, and for the README.

`python -m sandbox.demo.browser FILE.png` draws the page with a sample fleet. Chromium is driven by Playwright.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

EXECUTABLES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_WIDTH: Final = 1440
_HEIGHT: Final = 900
_CUSTOMERS: Final = 180
_LOAD_MILLISECONDS: Final = 30_000


def find_browser() -> str | None:
    """Return the path of a Chromium or Chrome on this machine, or None."""
    return next(filter(None, map(shutil.which, EXECUTABLES)), None)


def save_page(url: str, target: Path) -> Path | None:
    """Save a picture of the page that an address leads to, as a PNG file; None when there is no browser.

    `url` may lead through a sign-in; the picture is taken when the page has shown its data, or why it has none.
    """
    executable = find_browser()
    if executable is None:
        return None
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - costs half a second

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": _WIDTH, "height": _HEIGHT})
        page.set_default_timeout(_LOAD_MILLISECONDS)
        page.goto(url)
        page.wait_for_selector("body[data-state]")
        page.wait_for_load_state("networkidle")
        page.screenshot(path=target)
        browser.close()
    return target


def picture_of(url: str) -> str | None:
    """Save a picture of the page in a folder of its own, and return a line about it; None without a browser.

    What the page shows has been checked before, so a browser that fails here becomes a line that says so, no exception.
    """
    browser = find_browser()
    if browser is None:
        return None
    from playwright.sync_api import Error  # noqa: PLC0415 - costs half a second

    folder = Path(tempfile.mkdtemp(prefix="operations-page-"))
    try:
        return f"The operations page, as it looks now: {save_page(url, folder / 'operations-page.png')}"
    except Error as error:
        return f"{browser} could not draw the operations page: {error.message.splitlines()[0]}"
    finally:
        if not any(folder.iterdir()):
            folder.rmdir()


def main(arguments: list[str]) -> int:
    """Draw the page with a sample fleet; 1 when there is no browser."""
    from sandbox.functions.easy_auth import SETTINGS  # noqa: PLC0415 - only for this, as all that follow
    from sandbox.functions.front_door import FrontDoor  # noqa: PLC0415
    from sandbox.functions.process import FunctionsProcess  # noqa: PLC0415
    from sandbox.local_azure import Sandbox  # noqa: PLC0415
    from sandbox.world.sample_fleet import SampleFleet  # noqa: PLC0415

    if len(arguments) != 1:
        sys.stderr.write("usage: python -m sandbox.demo.browser FILE.png\n")
        return 2
    with Sandbox() as sandbox:
        fleet = SampleFleet(_CUSTOMERS, hours_ago=range(312, -1, -6), lost=0.03)
        fleet.fill(sandbox.workspace, sandbox.clock)
        # Two and a half of the six hours between the sample's runs.
        settings = {**sandbox.environment_of("api"), **SETTINGS, "API_STALE_AFTER_MINUTES": "900"}
        issuer = sandbox.directory.issuer
        with FunctionsProcess(settings) as host, FrontDoor(issuer, host.url) as door:
            saved = save_page(door.operations_page, Path(arguments[0]))
    if saved is None:
        sys.stderr.write(f"no browser here (looked for {', '.join(EXECUTABLES)})\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
