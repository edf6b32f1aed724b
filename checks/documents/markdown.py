"""Markdown documents as data: headings, fenced blocks and inline code, each with its section and its line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHELLS: Final = frozenset({"sh", "bash", "zsh", "shell", "console", "shellsession"})
POWERSHELLS: Final = frozenset({"powershell", "pwsh", "ps1"})

_HEADING: Final = re.compile(r"(#{1,6}) +(.+?) *#*$")
_FENCE: Final = re.compile(r"( *)(`{3,}|~{3,})([\w-]*)")
_INLINE: Final = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_TARGET: Final = re.compile(r"\]\([^)]*\)")
_LINK: Final = re.compile(r"\]\(([^)\s#]*)#([^)\s]+)\)")


@dataclass(frozen=True, slots=True)
class Snippet:
    """A fenced block (`language` is what its fence says) or a piece of inline code (`is_block` is false)."""

    text: str
    line: int
    language: str = ""
    is_block: bool = False


@dataclass(slots=True)
class Section:
    """What stands under one heading, up to the next one. What precedes all headings has level 1 too."""

    title: str
    level: int
    prose: str = ""
    snippets: list[Snippet] = field(default_factory=list)

    @property
    def anchor(self) -> str:
        """The anchor that GitHub gives the heading."""
        return re.sub(r"[^\w\- ]", "", self.title.replace("`", "").lower()).replace(" ", "-")

    @property
    def links(self) -> set[tuple[str, str]]:
        """The headings that the section links to: file (empty for the same document) and anchor."""
        return set(_LINK.findall(self.prose))

    @property
    def variables_from(self) -> set[tuple[str, str]]:
        """The headings whose shell variables the section says to use: links in a sentence with the word "variables"."""
        sentences = re.split(r"(?<=[.:;])\s", self.prose)
        naming = [sentence for sentence in sentences if "variables" in _TARGET.sub("", sentence)]
        return {link for sentence in naming for link in _LINK.findall(sentence)}


@dataclass(frozen=True, slots=True)
class Document:
    """One Markdown file, as its sections in their order."""

    path: Path
    sections: tuple[Section, ...]

    def around(self, section: Section) -> list[Section]:
        """Return the sections that a reader of `section` has read: the headings above it, and itself last."""
        place = next(index for index, item in enumerate(self.sections) if item is section)
        found, level = [section], section.level
        for earlier in reversed(self.sections[:place]):
            if earlier.level < level:
                found.insert(0, earlier)
                level = earlier.level
        return found

    def find(self, anchor: str) -> Section | None:
        """Return the section with this anchor."""
        return next((section for section in self.sections if section.anchor == anchor), None)


def read(path: Path) -> Document:
    """Return the document in `path`."""
    sections = [Section(title="", level=1)]
    paragraph: list[str] = []
    start = 0

    def end_paragraph() -> None:
        text = "\n".join(paragraph)
        if text:
            sections[-1].prose += text + "\n\n"
            sections[-1].snippets += _inline(text, start)
        paragraph.clear()

    lines = iter(enumerate(path.read_text(encoding="utf-8").splitlines(), 1))
    for number, line in lines:
        heading, fence = _HEADING.match(line), _FENCE.match(line)
        if fence:
            end_paragraph()
            sections[-1].snippets.append(_block(fence, lines, number))
        elif heading:
            end_paragraph()
            sections.append(Section(title=heading[2], level=len(heading[1])))
        elif not line.strip():
            end_paragraph()
        else:
            start = start if paragraph else number
            paragraph.append(line)
    end_paragraph()
    return Document(path, tuple(sections))


def _block(fence: re.Match[str], lines: Iterator[tuple[int, str]], number: int) -> Snippet:
    body = []
    for _, line in lines:
        if line.strip().startswith(fence[2]) and not line.strip().strip(fence[2][0]):
            break
        body.append(line.removeprefix(fence[1]))
    return Snippet("\n".join(body) + "\n", number + 1, fence[3].lower(), is_block=True)


def _inline(text: str, start: int) -> Iterator[Snippet]:
    for match in _INLINE.finditer(text):
        code = re.sub(r"\s*\n\s*", " ", match[2].strip())
        yield Snippet(code.replace("\\|", "|"), start + text.count("\n", 0, match.start()))
