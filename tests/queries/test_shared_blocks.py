"""Alert rules cannot share code: blocks that several queries repeat must stay word for word the same."""

import re
from collections import defaultdict

from sandbox.alerts.rules import QUERIES_DIRECTORY

QUERIES = {
    f"{path.parent.name}/{path.stem}": path.read_text(encoding="utf-8")
    for path in sorted(QUERIES_DIRECTORY.parent.glob("*/*.kql"))
}
BLOCK = re.compile(r"^// begin (?P<name>\w+)$.*?^// end (?P=name)$", re.MULTILINE | re.DOTALL)


def test_a_repeated_block_is_the_same_everywhere() -> None:
    blocks: dict[str, dict[str, str]] = defaultdict(dict)
    for query, text in QUERIES.items():
        for block in BLOCK.finditer(text):
            blocks[block["name"]][query] = block[0]

    versions = {name: len(set(texts.values())) for name, texts in blocks.items()}
    assert set(versions.values()) == {1}
    assert len(blocks["standing"]) > 1
