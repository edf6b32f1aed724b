"""Alert rules cannot share code: blocks that several queries repeat must stay word for word the same."""

import re
from collections import defaultdict

import pytest

from sandbox.alerts.rules import QUERIES_DIRECTORY

QUERIES = {path.stem: path.read_text(encoding="utf-8") for path in sorted(QUERIES_DIRECTORY.glob("*.kql"))}
BLOCK = re.compile(r"^// begin (?P<name>\w+)$.*?^// end (?P=name)$", re.MULTILINE | re.DOTALL)


def test_a_repeated_block_is_the_same_everywhere() -> None:
    blocks: dict[str, dict[str, str]] = defaultdict(dict)
    for query, text in QUERIES.items():
        for block in BLOCK.finditer(text):
            blocks[block["name"]][query] = block[0]

    versions = {name: len(set(texts.values())) for name, texts in blocks.items()}
    assert set(versions.values()) == {1}
    assert len(blocks["standing"]) > 1


def test_violations_are_the_states_that_are_not_compliant() -> None:
    """They are filtered before they are joined: a fleet has many states and few violations."""
    block = {match["name"]: match[0].splitlines()[2:-1] for text in QUERIES.values() for match in BLOCK.finditer(text)}
    same = [
        line.replace("Violations", "Current_states") for line in block["violations"] if "Is_compliant ==" not in line
    ]

    assert same == block["states"]
    assert len(same) == len(block["violations"]) - 1


@pytest.mark.parametrize("query", QUERIES)
def test_states_are_only_read_through_the_judgement(query: str) -> None:
    outside = BLOCK.sub("", QUERIES[query])

    assert "PolicyComplianceStates_CL" not in outside
