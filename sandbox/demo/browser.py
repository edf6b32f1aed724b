"""Pictures of the operations page, where there is a browser: for the README, and at the end of the demo.

`python -m sandbox.browser FILE.png` draws the page with a sample fleet. Chromium is driven by Playwright.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Final

EXECUTABLES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_WIDTH: Final = 1280
_HEIGHT: Final = 1500
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


def main(arguments: list[str]) -> int:
    """Draw the page with a sample fleet; 1 when there is no browser."""
    from sandbox.azure.site import Site  # noqa: PLC0415
    from sandbox.functions.easy_auth import SETTINGS, EasyAuth  # noqa: PLC0415
    from sandbox.functions.process import FunctionsProcess  # noqa: PLC0415
    from sandbox.local_azure import Sandbox  # noqa: PLC0415 - only for this
    from sandbox.world.sample_fleet import SampleFleet  # noqa: PLC0415

    if len(arguments) != 1:
        sys.stderr.write("usage: python -m sandbox.browser FILE.png\n")
        return 2
    with Sandbox() as sandbox:
        fleet = SampleFleet(_CUSTOMERS, hours_ago=range(312, -1, -6), lost=0.03)
        fleet.fill(sandbox.workspace, sandbox.clock)
        with FunctionsProcess({**sandbox.environment, **SETTINGS}) as host:
            sign_in = EasyAuth(sandbox.directory.issuer, host.url)
            with Site(sign_in.add_routes) as site:
                saved = save_page(sign_in.front_door(site.url), Path(arguments[0]))
    if saved is None:
        sys.stderr.write(f"no browser here (looked for {', '.join(EXECUTABLES)})\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
