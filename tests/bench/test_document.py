"""docs/performance.md says what docs/performance.json holds, and every required number stands there."""

import json
from pathlib import Path

from bench.document import PAGE, RESULT, measured, write
from bench.workloads import REQUIRED


def test_the_page_says_what_was_measured() -> None:
    document = json.loads(RESULT.read_text(encoding="utf-8"))

    assert measured(document) in PAGE.read_text(encoding="utf-8")
    assert {name: one["must_be"] for name, one in document["required"].items()} == {
        name: str(bound) for name, bound in REQUIRED.items()
    }
    assert all(one["is_met"] for one in document["required"].values())


def test_a_new_result_takes_the_place_of_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    document = json.loads(RESULT.read_text(encoding="utf-8"))
    document["machine"]["cores"] = 64
    page, picture = tmp_path / "performance.md", tmp_path / "images/performance.png"
    page.write_text(PAGE.read_text(encoding="utf-8"), encoding="utf-8")

    for _ in range(2):
        write(document, page=page, result=tmp_path / "result.json", picture=picture)

    text = page.read_text(encoding="utf-8")
    assert text.count("64 cores") == 1
    assert len(text.splitlines()) == len(PAGE.read_text(encoding="utf-8").splitlines())
    assert picture.read_bytes().startswith(b"\x89PNG")
