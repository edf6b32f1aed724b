"""The operations page's files: what is served, what a browser may do with it, and where what is not ours comes from."""

import json
import re
from pathlib import Path

import pytest

from compliance_api import pages
from sandbox.alerts.rules import QUERIES_DIRECTORY
from tests.compliance_api.conftest import READER, Api

FOLDER = Path(pages.__file__).parent / "dashboard"
VENDORED = FOLDER / "vendor"
FILES = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file())
SERVED = [name for name in FILES if not name.endswith("LICENSE")]
OURS = [FOLDER / name for name in FILES if not name.startswith("vendor/")]
INSTALLED = Path(__file__).parents[2] / "checks" / "node_browser" / "node_modules"
MOST_FILES, MOST_LINES = 17, 250


@pytest.mark.parametrize("name", SERVED)
async def test_every_file_is_served_with_its_type_and_a_strict_policy(api: Api, name: str) -> None:
    reply = await api.get(f"dashboard/{name}")

    assert reply.status == 200
    assert reply.body == (FOLDER / name).read_bytes()
    assert reply.headers["content-type"] in {"text/html", "text/css", "text/javascript", "image/svg+xml"}
    policy = reply.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert policy.endswith("require-trusted-types-for 'script'; trusted-types lit-html")
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.parametrize("address", ["dashboard", "dashboard/"])
async def test_the_page_is_at_one_address(api: Api, address: str) -> None:
    assert (await api.get(address)).body == (FOLDER / "index.html").read_bytes()


async def test_a_browser_asks_for_every_module_at_once(api: Api) -> None:
    page = (await api.get("dashboard")).body.decode()

    modules = re.findall(r'<link rel="modulepreload" href="/api/dashboard/(.+)">', page)
    assert modules == [name for name in FILES if name.endswith(".js")], "and not for each when another one imports it"


def test_script_and_styles_agree_on_what_is_a_small_screen() -> None:
    [script] = re.findall(r"matchMedia\(\"\((max-width: \d+rem)\)", (FOLDER / "filters.js").read_text())
    styles = [path.read_text() for path in (FOLDER / "styles").glob("*.css")]
    smallest = [min(found) for text in styles if (found := re.findall(r"@media \((max-width: \d+rem)\)", text))]
    assert {script} == set(smallest)


async def test_a_browser_that_has_a_file_need_not_load_it_again(api: Api) -> None:
    tag = (await api.get("dashboard/app.js")).headers["etag"]

    reply = await api.get("dashboard/app.js", caller={**READER, "If-None-Match": tag})

    assert (reply.status, reply.body) == (304, b"")


@pytest.mark.parametrize(
    "name",
    [
        "nothing.js",
        "..",
        "../pages.py",
        "views/../../pages.py",
        "views",
        "pages.py",
        "openapi.json",
        ".hidden",
        "app.js ",
    ],
)
async def test_nothing_but_the_page_s_files_is_served(api: Api, name: str) -> None:
    assert (await api.get(f"dashboard/{name}")).status == 404


@pytest.mark.parametrize("path", OURS, ids=str)
def test_no_file_of_ours_names_another_host_or_makes_markup_of_values(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.findall(r"(?:src|href|url\()=?[\"'(]?https?://", text)
    assert not re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|unsafe", text)
    assert not re.findall(r"style=|<script(?! type=\"module\" src=)| on\w+=", text)
    assert len(text.splitlines()) <= MOST_LINES


def test_no_folder_of_the_page_holds_more_files_than_a_stranger_can_survey() -> None:
    folders = {path.parent for path in OURS}
    assert [str(one) for one in folders if len([path for path in one.iterdir() if path.is_file()]) > MOST_FILES] == []


@pytest.mark.parametrize("path", [path for path in OURS if path.suffix in {".js", ".html"}], ids=str)
def test_every_file_that_is_named_is_there(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    named = [path.parent / name for name in re.findall(r'from "(\.[^"]+)"', text)]
    named += [FOLDER / name for name in re.findall(r'"/api/dashboard/([^"]+)"', text)]
    assert [one for one in named if not one.is_file()] == []


@pytest.mark.parametrize("path", sorted(path for path in VENDORED.rglob("*") if path.is_file()), ids=str)
def test_what_is_not_ours_is_what_its_package_holds_byte_by_byte(path: Path) -> None:
    """The package is installed with the hash of checks/node_browser/package-lock.json."""
    package = path.relative_to(VENDORED).parts[0]
    assert path.read_bytes() == (INSTALLED / path.relative_to(VENDORED)).read_bytes()
    assert (VENDORED / package / "LICENSE").is_file()
    locked = json.loads((INSTALLED.parent / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert locked[f"node_modules/{package}"]["integrity"].startswith("sha512-")


def test_the_page_s_alert_rules_are_those_that_are_deployed() -> None:
    rules = json.loads((QUERIES_DIRECTORY.parent / "alert_rules.json").read_text(encoding="utf-8"))["rules"]
    text = (FOLDER / "views" / "rules.js").read_text(encoding="utf-8")
    pattern = (
        r'\{ query: "(\w+)", severity: (\d), title: "([^"]+)"'
        r'(?:,\s+measure: "(\w+)", operator: "(\w+)", threshold: (\d+))?'
    )

    def shown(rule: dict[str, object]) -> tuple[str, ...]:
        criterion = rule["criterion"]
        assert isinstance(criterion, dict)
        measured = "metricMeasureColumn" in criterion
        limits = (
            [criterion["metricMeasureColumn"], criterion["operator"], str(criterion["threshold"])]
            if measured
            else [""] * 3
        )
        return (str(rule["query"]), str(rule["severity"]), str(rule["displayName"]), *limits)

    assert re.findall(pattern, text) == [shown(rule) for rule in rules]
