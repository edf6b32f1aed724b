"""What a document says, block by block and sentence by sentence: its text without markup."""

from __future__ import annotations

import re
from typing import NamedTuple

HEAD = "Head"
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_MARK = re.compile(r"`([^`]*)`|\*")
_RULE = re.compile(r"\|[\s:|-]+\|")
_ITEM = re.compile(r"(?:- |\d+\. )")
_END = re.compile(r"(?<=[.!?])\s+")


class Block(NamedTuple):
    """A paragraph, an item of a list or a row of a table, as text, and the heading that it stands under."""

    section: str
    text: str


def plain(markdown: str) -> str:
    """Return a text as it is read: without markup, links as their words, one blank between words."""
    return " ".join(_MARK.sub(lambda mark: mark[1] or "", _LINK.sub(r"\1", markdown)).split())


def blocks(markdown: str) -> list[Block]:
    """Return paragraphs, items of lists and rows of tables, in their order; cells of a row are joined by a semicolon.

    Headings, heads of tables, comments and code blocks say nothing.
    """
    found: list[Block] = []
    section, lines, fenced = HEAD, [], False
    for line in [*markdown.splitlines(), ""]:
        is_fence = line.lstrip().startswith("```")
        is_alone = is_fence or fenced or not line.strip() or line.startswith(("#", "|", "<!--"))
        if lines and (is_alone or _ITEM.match(line.lstrip())):
            found.append(Block(section, plain(" ".join(lines))))
            lines = []
        fenced ^= is_fence
        if line.startswith(("## ", "### ")):
            section = plain(line.lstrip("# "))
        elif line.startswith("|"):
            if _RULE.fullmatch(line):
                found.pop()
            else:
                cells = (plain(cell) for cell in re.split(r"(?<!\\)\|", line.strip().strip("|")))
                found.append(Block(section, "; ".join(cell for cell in cells if cell)))
        elif not is_alone:
            lines.append(_ITEM.sub("", line.strip(), count=1) if _ITEM.match(line.lstrip()) else line.strip())
    return found


def sentences(text: str) -> list[str]:
    """Return the sentences of a block, in their order."""
    return [sentence for sentence in _END.split(text) if sentence]
