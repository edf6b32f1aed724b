"""docs/security-claims.md has every sentence of the two pages about security, with what makes it so.

The page's tables are read as they stand; what a claim quotes is looked for in the text of its document.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.infra.evidence import PROJECT, not_there, spans
from tests.infra.statements import Block, blocks, plain, sentences

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PAGE = "docs/security-claims.md"
DOCUMENTS = ("docs/security.md", "SECURITY.md")
NOTHING = "Says nothing that can be false"
LINT = re.compile(r"python -m (checks\.\w+)")
TESTED = "tested"
IN_WORDS = {"Platform's word:": "platform's word", "A person:": "a person"}
KINDS = (TESTED, *IN_WORDS.values())
SHORTEST = 15
"""Characters of a quotation: what is shorter says nothing."""


class Claim(NamedTuple):
    """A row of the page: `section` of `document` has the words `quoted`; for words that claim nothing the rest is empty."""

    document: str
    section: str
    quoted: str
    evidence: str = ""
    test: str = ""

    @property
    def kind(self) -> str:
        """The kind that the last column says, "" for none."""
        if self.test.startswith("`"):
            return TESTED
        return next((kind for words, kind in IN_WORDS.items() if self.test.startswith(words)), "")


def texts() -> dict[str, str]:
    return {name: (PROJECT / name).read_text(encoding="utf-8") for name in (PAGE, *DOCUMENTS)}


def rows(page: str) -> Iterator[tuple[str, str, list[str]]]:
    """Yield the headings that each row of a table stands under, of both levels, and its cells; heads are left out."""
    first = second = ""
    before: list[str] = []
    for line in [*page.splitlines(), ""]:
        if line.startswith("### "):
            second = line.removeprefix("### ")
        elif line.startswith("## "):
            first, second = line.removeprefix("## "), ""
        if before and not line.startswith("|---"):
            yield first, second, before
        is_row = line.startswith("| ")
        before = [cell.strip() for cell in line.strip("|").split(" | ")] if is_row else []


def claims(page: str) -> list[Claim]:
    """Return the rows about documents, and those that say nothing."""
    found = []
    for first, second, cells in rows(page):
        if first == NOTHING:
            found.append(Claim(cells[0], "", *cells[1:]))
        elif first:
            found.append(Claim(first, second, *cells))
    return [claim for claim in found if claim.quoted != "words"]


def told_wrong(claim: Claim, said: list[Block]) -> Iterator[str]:
    """Yield what is wrong with one row; `said` is its document."""
    times = [block.section for block in said for _ in range(block.text.count(plain(claim.quoted)))]
    if len(times) != 1 or claim.section not in {"", times[0]}:
        yield f"{claim.quoted}: {len(times)} times in {claim.document}, not once under {claim.section}"
    if not claim.section:
        return
    if len(plain(claim.quoted)) < SHORTEST:
        yield f"{claim.quoted}: too short to claim anything"
    if not claim.kind:
        yield f"{claim.quoted}: {claim.test} is neither a test nor a reason for none"
    if not spans(claim.evidence):
        yield f"{claim.quoted}: no evidence"
    tests = [span for span in spans(claim.test) if not LINT.fullmatch(span)]
    yield from (f"{claim.quoted}: {told}" for told in not_there([*spans(claim.evidence), *tests]))
    yield from (f"{claim.quoted}: {span} is no test" for span in tests if "::test_" not in span)
    lint = (PROJECT / "Makefile").read_text(encoding="utf-8").partition("\nlint:")[2].partition("\n\n")[0]
    for command in (LINT.fullmatch(span) for span in spans(claim.test)):
        if command and f"-m {command[1]}\n" not in f"{lint}\n":
            yield f"{claim.quoted}: make lint does not run {command[1]}"


def without_row(said: list[Block], quoted: list[str]) -> Iterator[str]:
    """Yield the sentences of which nothing is quoted."""
    words = [plain(one) for one in quoted]
    for block in said:
        begins = [block.text.find(one) for one in words if one in block.text]
        ends = [block.text.find(one) + len(one) for one in words if one in block.text]
        at = 0
        for sentence in sentences(block.text):
            at = block.text.index(sentence, at)
            if not any(begin < at + len(sentence) and at < end for begin, end in zip(begins, ends, strict=True)):
                yield f"nobody says what makes this so: {sentence}"
            at += len(sentence)


def problems(given: Mapping[str, str]) -> list[str]:
    """Return what is wrong with the page, and with the documents for want of rows."""
    every = claims(given[PAGE])
    found = [f"{claim.document}: no such document" for claim in every if claim.document not in DOCUMENTS]
    for name in DOCUMENTS:
        said = blocks(given[name])
        of_document = [claim for claim in every if claim.document == name]
        found += [told for claim in of_document for told in told_wrong(claim, said)]
        found += without_row(said, [claim.quoted for claim in of_document])
    counts = Counter(claim.kind for claim in every if claim.section)
    told = {cells[0]: cells[1] for first, _, cells in rows(given[PAGE]) if not first}
    found += [f"{kind}: {counts[kind]} claims" for kind in KINDS if told.get(kind) != str(counts[kind])]
    return found


def test_every_sentence_has_a_claim_and_every_claim_its_evidence() -> None:
    assert problems(texts()) == []


@pytest.mark.parametrize(
    ("file", "found", "changed", "complaint"),
    [
        (
            "docs/security.md",
            "soft delete and purge protection.",
            "soft delete and purge protection. Nobody can read it.",
            "nobody says what makes this so: Nobody can read it.",
        ),
        (
            "docs/security.md",
            "## Network modes\n",
            "## Network modes\n\nAll of it is safe.\n",
            "this so: All of it is safe.",
        ),
        (
            "docs/security.md",
            "| Listening in |",
            "| Power cuts | batteries |\n| Listening in |",
            "this so: Power cuts; batteries",
        ),
        ("SECURITY.md", "## What counts\n\n", "## What counts\n\n- Anything else.\n", "this so: Anything else."),
        (
            "docs/security.md",
            "The vault uses role-based",
            "The vault has role-based",
            "soft delete and purge protection: 0 times",
        ),
        (PAGE, "| App settings hold", "| App settings have", "App settings have references to the vault: 0"),
        (
            PAGE,
            "`infra/modules/key_vault.bicep`",
            "`infra/modules/vault.bicep`",
            "there is no infra/modules/vault.bicep",
        ),
        (PAGE, "::test_a_star_means", "::test_a_moon_means", "has no test_a_moon_means"),
        (PAGE, "`python -m checks.workflows`", "`python -m checks.sbom`", "make lint does not run checks.sbom"),
        (PAGE, "| Platform's word: encryption", "| Surely: encryption", "is neither a test nor a reason for none"),
        (PAGE, "| tested | ", "| tested | 1", "tested: "),
        (PAGE, "\n| SECURITY.md | Please do not open an issue |", "", "this so: Please do not open an issue."),
    ],
)
def test_a_page_that_is_wrong_and_a_sentence_without_a_row_are_told(
    file: str, found: str, changed: str, complaint: str
) -> None:
    given = texts()
    assert found in given[file]
    given[file] = given[file].replace(found, changed, 1)

    assert any(complaint in told for told in problems(given))
