"""Names of resource groups and applications in the scripts of the world, as the published patterns of Azure admit."""

import unicodedata
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance_api.workspace.kql import literal
from publisher.policy_states.query import query_url
from publisher.resource_ids import ApplicationId, InvalidResourceId, ResourceGroupId, fold

SUBSCRIPTION = "a1b2c3d4-0000-4000-8000-00000000000f"
NAMES = [
    "โรงแรมริมน้ำ",  # Thai: vowels above and below are marks
    "हिन्दी-ऐप",  # Hindi: vowel signs are spacing marks, the virama a mark
    "מִלּוֹן",  # Hebrew with points
    "مُدِير",  # Arabic with points
    "ยูนิต_1",
    "Gru\u0308n",  # decomposed
    "Grün",
    "Ứng-dụng",
    unicodedata.normalize("NFD", "Ứng-dụng"),
    "ﬁrst‿second",  # U+203F is a connector, as the underscore is
    "한국어",
    unicodedata.normalize("NFD", "한국어"),
]
LEGAL = st.text(
    st.characters(categories=("Lu", "Ll", "Lt", "Lm", "Lo", "Nd", "Mn", "Mc", "Pc"), include_characters="-()"),
    min_size=1,
    max_size=260,
)


def in_units(text: str, most: int) -> str:
    """The beginning of a text that is no longer than so many UTF-16 code units."""
    while len(text.encode("utf-16-le")) > 2 * most:
        text = text[:-1]
    return text


def application(group: str, name: str) -> ApplicationId:
    return ApplicationId.parse(
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/Microsoft.Solutions/applications/{name}"
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_name_in_any_script_is_taken_and_kept(name: str) -> None:
    taken = application(name, name)
    assert (taken.resource_group, taken.name) == (name, name)
    assert ResourceGroupId.parse(f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{name}").resource_group == name
    assert ApplicationId.of_keys(taken.partition_key, taken.row_key) == taken


@pytest.mark.parametrize("name", NAMES)
def test_a_name_comes_back_out_of_an_address(name: str) -> None:
    group = ResourceGroupId(SUBSCRIPTION, name)
    url = query_url("https://management.azure.com", group, datetime.now(UTC), scopes=[str(group)])
    assert url.isascii()
    assert unquote(urlsplit(url).path).startswith(f"{group}/providers/")
    assert f"PolicyAssignmentScope eq '{group}'" in unquote(urlsplit(url).query)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_stays_one_text_in_a_query(name: str) -> None:
    assert literal(name) == f'"{name}"'


@pytest.mark.parametrize("name", NAMES)
def test_composed_and_decomposed_names_are_two(name: str) -> None:
    composed, decomposed = (unicodedata.normalize(form, name) for form in ("NFC", "NFD"))
    assert (fold(composed) == fold(decomposed)) is (composed == decomposed)
    assert (application("rg", composed) == application("rg", decomposed)) is (composed == decomposed)


def test_case_is_ignored_around_marks() -> None:
    assert application("GRU\u0308N", "A\u030aSA") == application("gru\u0308n", "a\u030asa")


def test_no_mark_becomes_a_letter() -> None:
    assert fold("\u03b1\u0345") != fold("\u03b1\u03b9")
    for code in range(0x20000):
        character = chr(code)
        if unicodedata.category(character) in {"Mn", "Mc", "Pc"}:
            assert fold(character) == character, hex(code)


@pytest.mark.parametrize(
    "character", ["\u202e", "\u2066", "\u200b", "\u200d", "\ufeff", "\u00ad", "\u20dd", "²", "Ⅷ", "$"]
)
def test_what_the_pattern_leaves_out_is_refused(character: str) -> None:
    with pytest.raises(InvalidResourceId) as refusal:
        application("rg", f"a{character}b")
    assert str(refusal.value).isascii()


@pytest.mark.parametrize(
    ("longest", "refused"),
    [("ก" * 90, "ก" * 91), ("ก\u0e34" * 45, "ก\u0e34" * 45 + "ก"), ("\U00020000" * 45, "\U00020000" * 46)],
)
def test_a_group_has_ninety_of_azures_characters(longest: str, refused: str) -> None:
    assert application(longest, "app").resource_group == longest
    with pytest.raises(InvalidResourceId):
        application(refused, "app")


@given(group=LEGAL, name=LEGAL)
def test_the_longest_names_fit_into_a_table_key(group: str, name: str) -> None:
    taken = application(in_units(group * 90, 90), in_units(name * 260, 260))
    assert len(taken.row_key.encode("utf-16-le")) <= 1024
    assert not set(taken.row_key) & set("/\\#?%")
    assert not any(unicodedata.category(character).startswith("C") for character in taken.row_key)
    assert ApplicationId.of_keys(taken.partition_key, taken.row_key) == taken
