"""Texts from outside: shown in full where they are harmless, and without what nobody sees."""

import json
import unicodedata

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.texts import harmless, one_line, plain_json, printable, trimmed, word

TURNED = "invoice\u202efdp.exe"
UNSEEN = [
    *map(chr, range(0x202A, 0x202F)),
    *map(chr, range(0x2066, 0x206A)),
    *map(chr, range(0x200B, 0x2010)),
    "\ufeff",
    "\u061c",
    "\u00ad",
    "\u2028",
    "\u2029",
    "\x1b",
    "\x9b",
    "\U000e0041",
]
NAMES = ["โรงแรม", "हिन्दी", "מִלּוֹן", "Äpfel", "A\u0308pfel", "日本語", "👩‍💻".replace("\u200d", "")]


@pytest.mark.parametrize("character", UNSEEN, ids=lambda one: f"{ord(one):x}")
def test_what_nobody_sees_becomes_a_space(character: str) -> None:
    assert printable(f"a{character}b") == harmless(f"a{character}b") == one_line(f"a{character}b") == "a b"


@pytest.mark.parametrize("name", NAMES)
def test_names_of_the_world_stay_as_they_are(name: str) -> None:
    assert printable(name) == harmless(name) == one_line(name) == name


def test_lines_of_our_own_stay_apart_on_a_terminal_and_nowhere_else() -> None:
    assert harmless("one\ntwo") == "one\ntwo"
    assert one_line("one\ntwo") == printable("one\ntwo") == "one two"


def test_every_format_character_is_escaped_in_json() -> None:
    every = "".join(
        chr(code) for code in range(0x80, 0x110000) if unicodedata.category(chr(code)) in {"Cf", "Cc", "Zl", "Zp"}
    )
    written = plain_json(orjson.dumps(every))
    assert written.isascii()
    assert json.loads(written) == every


@pytest.mark.parametrize("name", NAMES)
def test_json_keeps_names_readable(name: str) -> None:
    assert name in plain_json(orjson.dumps({"name": name})).decode()


def test_json_turns_no_line_around_and_says_the_same() -> None:
    written = plain_json(orjson.dumps({"name": TURNED}))
    assert "\u202e" not in written.decode()
    assert json.loads(written) == {"name": TURNED}


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"]))
    )
)
def test_json_has_the_same_values(content: dict[str, str]) -> None:
    assert json.loads(plain_json(orjson.dumps(content))) == content


@given(st.text())
def test_whatever_comes_is_printable(text: str) -> None:
    assert printable(text).isprintable()
    assert harmless(text).replace("\n", "").isprintable()


@pytest.mark.parametrize(
    "text", ["Deleting", " deleting\n", "DELETING\u200b", "De\u200bleting", "\ufeffDeleting\xa0", "de-le_ting"]
)
def test_a_word_is_the_same_however_it_is_written(text: str) -> None:
    assert word(text) == word(printable(text)) == "deleting"
    assert word(f"not {text}") != "deleting"


@given(st.text())
def test_what_is_trimmed_has_an_end_that_is_seen(text: str) -> None:
    assert trimmed(trimmed(text)) == trimmed(text)
    assert trimmed(f" \u200b{text}\ufeff\n") == trimmed(text)
