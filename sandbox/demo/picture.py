"""The picture of the operations page that the demonstration ends with, where there is a browser."""

from __future__ import annotations

import tempfile
from pathlib import Path

from sandbox.demo.browser import find_browser, save_page


def picture_of(url: str) -> str | None:
    """Save a picture of the page in a folder of its own, and return a line about it; None without a browser.

    The picture is for looking at: what the page shows has been checked before, so a browser that fails here is told of
    and fails nothing.
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
