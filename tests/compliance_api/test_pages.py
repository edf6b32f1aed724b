"""The operations page's files: what is served, and what a browser is allowed to do with it."""

import re
from pathlib import Path

import pytest

from compliance_api import pages
from tests.compliance_api.conftest import READER, Api

FOLDER = Path(pages.__file__).parent / "dashboard"
FILES = sorted(path.name for path in FOLDER.iterdir())


@pytest.mark.parametrize("name", FILES)
async def test_every_file_is_served_with_its_type_and_a_strict_policy(api: Api, name: str) -> None:
    reply = await api.get(f"dashboard/{name}")

    assert reply.status == 200
    assert reply.body == (FOLDER / name).read_bytes()
    assert reply.headers["content-type"] in {"text/html", "text/css", "text/javascript", "image/svg+xml"}
    policy = reply.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert "http" not in policy


async def test_the_page_is_at_one_address(api: Api) -> None:
    assert (await api.get("dashboard")).body == (FOLDER / "index.html").read_bytes()


async def test_a_browser_that_has_a_file_need_not_load_it_again(api: Api) -> None:
    tag = (await api.get("dashboard/dashboard.js")).headers["etag"]

    reply = await api.get("dashboard/dashboard.js", caller={**READER, "If-None-Match": tag})

    assert (reply.status, reply.body) == (304, b"")


@pytest.mark.parametrize("name", ["nothing.js", "..", "pages.py", "openapi.json", ".hidden", "dashboard.js "])
async def test_nothing_but_the_page_s_files_is_served(api: Api, name: str) -> None:
    assert (await api.get(f"dashboard/{name}")).status == 404


def test_no_file_names_another_host_or_carries_inline_code() -> None:
    for path in FOLDER.iterdir():
        text = path.read_text(encoding="utf-8")
        assert not re.findall(r"(?:src|href|url\()=?[\"'(]?https?://", text)
        assert not re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text)
    index = (FOLDER / "index.html").read_text(encoding="utf-8")
    assert not re.findall(r"<style|style=|<script(?! type=\"module\" src=)| on\w+=", index)
