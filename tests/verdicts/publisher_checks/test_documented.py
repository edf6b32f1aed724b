"""The documents say of every check what the catalogue has: what is set, who says so, and what is read for it."""

from __future__ import annotations

import re
from pathlib import Path

from collector.reading.group_documents import API_VERSIONS
from publisher.resource_ids import fold
from verdicts.publisher_checks.catalogue import CHECKS, Parameter
from verdicts.publisher_checks.identities import RESOURCES

NONE = "\N{EN DASH}"
DOCS = Path(__file__).parents[3] / "docs"


def rows(page: str) -> dict[str, list[str]]:
    """The rows of a page's table of checks, by the name of the check."""
    text = (DOCS / page).read_text(encoding="utf-8")
    found = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    return {cells[0].strip("`"): cells[1:] for cells in found if cells[0].strip("`") in CHECKS}


def words(parameter: Parameter) -> str:
    return f"`{parameter.name}`: {parameter.takes}{'' if parameter.is_needed else ', may be left out'}"


def test_the_page_has_each_check_with_its_parameters_and_its_source() -> None:
    documented = rows("publisher-checks.md")
    assert list(documented) == list(CHECKS)
    for name, (judges, settings, source) in documented.items():
        assert judges
        assert settings == ("; ".join(map(words, CHECKS[name].parameters)) or NONE)
        assert source == f"[Microsoft]({CHECKS[name].source})"


def test_the_page_has_something_to_say_about_the_limits_of_each_check() -> None:
    page = (DOCS / "publisher-checks.md").read_text(encoding="utf-8")
    limits = page.partition("## What they can and cannot say\n")[2]
    assert re.findall(r"^\*\*`(.+)`\*\*\n\n- ", limits, re.MULTILINE) == list(CHECKS)


def test_the_security_page_has_every_list_that_a_check_reads() -> None:
    documented = {name: tuple(re.findall("`(.+?)`", lists)) for name, (lists,) in rows("security.md").items()}
    assert documented == {name: one.reads for name, one in CHECKS.items()}
    assert list(documented) == list(CHECKS)


def test_every_type_that_a_check_reads_can_be_listed() -> None:
    read = {fold(one) for check in CHECKS.values() for one in check.reads} - {fold(RESOURCES)}
    assert read <= API_VERSIONS.keys()
