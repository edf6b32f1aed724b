"""The operations page in a real Chromium, against the Functions host and a workspace full of customers."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from sandbox.azure.site import Site
from sandbox.demo.browser import find_browser
from sandbox.functions.easy_auth import SETTINGS, EasyAuth
from sandbox.functions.process import FunctionsProcess
from sandbox.local_azure import Sandbox
from sandbox.workspace.workspace import Workspace

expect.set_options(timeout=20_000)
"""As long as a page may take to answer on a machine that is busy with other tests."""

AXE = Path(__file__).parents[2] / "checks" / "node_browser" / "node_modules" / "axe-core" / "axe.min.js"


@dataclass
class Place:
    """A running installation, and the browser that looks at it."""

    sandbox: Sandbox
    sign_in: EasyAuth
    url: str
    browser: Browser = field(repr=False)

    @property
    def front_door(self) -> str:
        """Signs the operator in and goes on to the page."""
        return self.sign_in.front_door(self.url)


@pytest.fixture(scope="module")
def settings() -> Mapping[str, str]:
    """App settings besides the sandbox's; a module may have its own."""
    return {}


@pytest.fixture(scope="module")
def place(settings: Mapping[str, str]) -> Iterator[Place]:
    """An installation of the module's own: the tests of a module share its rows."""
    executable = find_browser()
    if executable is None:
        pytest.skip("there is no Chromium on this machine")
    with ExitStack() as stack:
        sandbox = stack.enter_context(Sandbox())
        host = stack.enter_context(FunctionsProcess({**sandbox.environment_of("api"), **SETTINGS, **settings}))
        sign_in = EasyAuth(sandbox.directory.issuer, host.url)
        site = stack.enter_context(Site(sign_in.add_routes))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        stack.callback(browser.close)
        yield Place(sandbox, sign_in, site.url, browser)


@pytest.fixture
def workspace(place: Place) -> Iterator[Workspace]:
    """The installation's workspace, which is empty again after the test."""
    yield place.sandbox.workspace
    place.sandbox.reset()


@dataclass
class Watched:
    """What a page did that nobody should see: console messages, exceptions, requests to other hosts, failed requests."""

    found: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def expect(self, *parts: str) -> None:
        """Allow what contains one of these texts."""
        self.expected += parts

    def unexpected(self) -> list[str]:
        return [one for one in self.found if not any(part in one for part in self.expected)]


@pytest.fixture
def watched() -> Iterator[Watched]:
    """At the end of the test, nothing may have gone wrong on the page that the test did not expect."""
    watched = Watched()
    yield watched
    assert watched.unexpected() == []


OpenPage = Callable[[], Page]


@pytest.fixture
def new_page(place: Place, watched: Watched) -> Iterator[OpenPage]:
    """Opens a page of a new browser session in which nobody is signed in."""
    with ExitStack() as stack:

        def open_page() -> Page:
            return stack.enter_context(_watched_page(place, watched))

        yield open_page


@pytest.fixture
def page(place: Place, new_page: OpenPage) -> Page:
    """The operations page, loaded, with the operator signed in."""
    page = new_page()
    page.goto(place.front_door)
    return settled(page)


@contextmanager
def _watched_page(place: Place, watched: Watched) -> Iterator[Page]:
    context = place.browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.on("console", lambda message: watched.found.append(f"console {message.type}: {message.text}"))
    page.on("pageerror", lambda error: watched.found.append(f"exception: {error}"))
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith(place.url)
            else watched.found.append(f"request to another host: {request.url}")
        ),
    )
    yield page
    context.close()


def api(page: Page, path: str, **parameters: Any) -> Any:
    """What the API says to the one who is signed in on the page."""
    url = page.url.split("/api/")[0] + f"/api/{path}"
    return page.request.get(url, params={name: str(value) for name, value in parameters.items()}).json()


def tiles(page: Page) -> dict[str, str]:
    """The figures of the fleet."""
    shown = page.locator("[data-tile]").evaluate_all(
        "tiles => tiles.map(tile => [tile.dataset.tile, tile.textContent.trim()])"
    )
    return dict(shown)


def settled(page: Page) -> Page:
    """The page when every part has its answer, or its error."""
    page.wait_for_selector("body[data-state]", timeout=120_000)
    return page


def at(page: Page, query: str = "", **filters: str) -> Page:
    """The page at an address of its own, loaded."""
    page.goto(page.url.split("/api/")[0] + "/api/dashboard" + (query or f"?{urlencode(filters)}"))
    return settled(page)


def is_within(page: Page) -> bool:
    """Whether nothing has to be scrolled sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def rows(page: Page, container: str) -> list[list[str]]:
    """The cells of a table's rows, as they can be read."""
    found: list[list[str]] = page.locator(f"{container} tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.cells].map(cell => cell.innerText))"
    )
    return found


def violations_of_wcag(page: Page) -> list[str]:
    """What axe finds against WCAG 2.2 AA and good practice on the page as it is now.

    It is injected by the test's own devtools session, which the page's Content-Security-Policy does not bind.
    """
    page.evaluate(AXE.read_text(encoding="utf-8"))
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = page.evaluate("async tags => (await axe.run(document, {runOnly: tags})).violations", tags)
    return [f"{one['id']}: {one['help']}: {node['html'][:150]}" for one in found for node in one["nodes"]]
