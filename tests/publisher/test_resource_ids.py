"""Ids in every spelling Azure uses, and nothing else."""

import unicodedata
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.resource_ids import (
    ApplicationId,
    InvalidResourceId,
    ResourceGroupId,
    fold,
    is_at_or_inside,
    plain_id,
    quoted,
)

SUBSCRIPTION = "A1B2C3D4-0000-4000-8000-00000000000f"
CANONICAL = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Solutions/applications/app"

LETTERS = st.characters(categories=("Lu", "Ll", "Lt", "Lm", "Lo", "Nd"), include_characters="-_()")
NAMES = st.text(LETTERS | st.just("."), min_size=1, max_size=90).filter(lambda name: not name.endswith("."))


@pytest.mark.parametrize(
    "text",
    [
        CANONICAL,
        CANONICAL.removeprefix("/"),
        CANONICAL + "/",
        CANONICAL.lower(),
        CANONICAL.upper(),
        CANONICAL.replace("resourceGroups", "resourcegroups").replace("Microsoft.Solutions", "microsoft.solutions"),
    ],
)
def test_an_application_is_the_same_in_every_spelling(text: str) -> None:
    parsed = ApplicationId.parse(text)
    assert parsed == ApplicationId.parse(CANONICAL)
    assert hash(parsed) == hash(ApplicationId.parse(CANONICAL))
    assert parsed.row_key == "|rg|app"
    assert parsed.partition_key == SUBSCRIPTION.lower()


def test_an_id_keeps_the_spelling_it_came_in() -> None:
    parsed = ApplicationId.parse(
        f"subscriptions/{SUBSCRIPTION}/resourcegroups/Rg/providers/MICROSOFT.solutions/applications/App"
    )
    assert (
        str(parsed) == f"/subscriptions/{SUBSCRIPTION}/resourceGroups/Rg/providers/Microsoft.Solutions/applications/App"
    )


@pytest.mark.parametrize("name", ["rg(1)", "rg.with.dots", "_rg", "größe", "日本", "Ελλάδα", "r", "x" * 90])
def test_odd_but_legal_resource_group_names_are_taken(name: str) -> None:
    parsed = ApplicationId.parse(CANONICAL.replace("/rg/", f"/{name}/"))
    assert parsed.resource_group == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "applications/app",
        f"/subscriptions/{SUBSCRIPTION}",
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg",
        CANONICAL + "/extra",
        CANONICAL + "/providers/Microsoft.Solutions/applications/other",
        CANONICAL.replace("/applications/", "/applicationDefinitions/"),
        CANONICAL.replace("/applications/", "/jitRequests/"),
        CANONICAL.replace("Microsoft.Solutions", "Microsoft.Compute"),
        CANONICAL.replace("/subscriptions/", "/tenants/"),
        CANONICAL.replace(SUBSCRIPTION, "not-a-guid"),
        CANONICAL.replace(SUBSCRIPTION, ""),
        CANONICAL.replace("/rg/", "//"),
        CANONICAL.replace("/rg/", "/../"),
        CANONICAL.replace("/rg/", "/./"),
        CANONICAL.replace("/rg/", "/rg./"),
        CANONICAL.replace("/rg/", "/r%2Fg/"),
        CANONICAL.replace("/rg/", "/r%20g/"),
        CANONICAL.replace("/rg/", "/r%2567/"),
        CANONICAL.replace("/rg/", "/r%/"),
        CANONICAL.replace("/rg/", "/%ff/"),
        CANONICAL.replace("/rg/", "/%2e%2e/"),
        CANONICAL.replace("/rg/", "/ /"),
        CANONICAL.replace("/rg/", "/r g/"),
        CANONICAL.replace("/rg/", "/r'g/"),
        CANONICAL.replace("/rg/", "/r|g/"),
        CANONICAL.replace("/rg/", "/r\\g/"),
        CANONICAL.replace("/rg/", "/r?g/"),
        CANONICAL.replace("/rg/", "/r#g/"),
        CANONICAL.replace("/rg/", "/r\ng/"),
        CANONICAL.replace("/rg/", "/r\x00g/"),
        CANONICAL.replace("/rg/", "/r\u202eg/"),
        CANONICAL.replace("/rg/", "/r\ud800g/"),
        CANONICAL.replace("/rg/", f"/{'x' * 91}/"),
        CANONICAL[:-3] + "..",
        CANONICAL[:-3] + "x" * 261,
        f"https://management.azure.com{CANONICAL}",
    ],
)
def test_whatever_is_no_application_id_is_refused_with_a_short_printable_reason(text: str) -> None:
    with pytest.raises(InvalidResourceId) as refusal:
        ApplicationId.parse(text)
    message = str(refusal.value)
    assert message.isascii()
    assert message.isprintable()
    assert len(message) < 200


@pytest.mark.parametrize(
    "text",
    [
        "//" + CANONICAL,
        CANONICAL + "//",
        CANONICAL.replace("/", "//"),
        f" \ufeff{CANONICAL}\u200b\r\n",
        f"{CANONICAL} /",
        CANONICAL.replace("/rg/", "/ rg\u200b/"),
        CANONICAL.replace("/rg/", "/r%67/"),
        CANONICAL.replace("/rg/", "/rg%20/"),
    ],
)
def test_slashes_blanks_and_what_an_address_has_encoded_make_no_other_application(text: str) -> None:
    assert str(ApplicationId.parse(text)) == CANONICAL


def test_the_letters_of_the_world_are_the_same_encoded_as_in_an_address() -> None:
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/โรงแรม"
    assert str(ResourceGroupId.parse(quote(group))) == group
    assert plain_id(quote(f"{group}/providers/Microsoft.Authorization/policyAssignments/a").replace("/", "//")) == (
        f"{group}/providers/Microsoft.Authorization/policyAssignments/a"
    )


@pytest.mark.parametrize(
    ("text", "plain"), [("", ""), ("/", ""), (" ", ""), ("a/b", "/a/b"), ("/a%2Fb/c ", "/a%2Fb/c"), ("/%2e/", "/.")]
)
def test_an_id_is_spelled_with_one_slash_before_each_segment(text: str, plain: str) -> None:
    assert plain_id(text) == plain


@pytest.mark.parametrize("value", [None, 7, ["/"], {"id": CANONICAL}, CANONICAL.encode()])
def test_an_id_of_another_type_is_refused(value: object) -> None:
    with pytest.raises(InvalidResourceId):
        ApplicationId.parse(value)  # type: ignore[arg-type]


def test_the_same_name_in_two_groups_is_two_applications() -> None:
    first = ApplicationId(SUBSCRIPTION, "rg-1", "app")
    second = ApplicationId(SUBSCRIPTION, "rg-2", "app")
    assert first != second
    assert first.row_key != second.row_key


def test_an_id_is_equal_to_nothing_but_an_id() -> None:
    assert ApplicationId.parse(CANONICAL) != CANONICAL
    assert ResourceGroupId(SUBSCRIPTION, "rg") != f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"


@given(group=NAMES, name=NAMES)
def test_every_legal_name_makes_a_row_key_of_its_own_that_table_storage_takes(group: str, name: str) -> None:
    identity = ApplicationId(SUBSCRIPTION, group, name)
    assert ApplicationId.parse(str(identity)) == identity
    assert identity.row_key.split("|") == ["", fold(group), fold(name)]
    assert not set(identity.row_key) & set("/\\#?%")
    assert not any(unicodedata.category(character).startswith("C") for character in identity.row_key)
    assert len(identity.row_key.encode("utf-16-le")) <= 1024


@given(st.text(max_size=200))
def test_no_text_from_outside_does_more_than_being_refused(text: str) -> None:
    for candidate in (
        text,
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{text}",
        CANONICAL + text,
        CANONICAL.replace("rg", text),
    ):
        try:
            parsed = ApplicationId.parse(candidate)
        except InvalidResourceId:
            continue
        assert ApplicationId.parse(str(parsed)) == parsed


def test_a_resource_group_id_is_the_same_in_every_spelling() -> None:
    group = ResourceGroupId.parse(f"subscriptions/{SUBSCRIPTION.lower()}/RESOURCEGROUPS/Mrg-App")
    assert group == ResourceGroupId(SUBSCRIPTION, "mrg-app")
    assert hash(group) == hash(ResourceGroupId(SUBSCRIPTION, "mrg-app"))
    assert str(group) == f"/subscriptions/{SUBSCRIPTION.lower()}/resourceGroups/Mrg-App"


@pytest.mark.parametrize(
    "text", [CANONICAL, "", "/subscriptions/x/resourceGroups/rg", f"/subscriptions/{SUBSCRIPTION}/groups/rg"]
)
def test_whatever_is_no_resource_group_id_is_refused(text: str) -> None:
    with pytest.raises(InvalidResourceId):
        ResourceGroupId.parse(text)


@pytest.mark.parametrize(
    ("first", "second"),
    [("APP", "app"), ("Größe", "grÖSSe".replace("SS", "ß")), ("ΣΊΣΥΦΟΣ", "σίσυφος"), ("ÉCOLE", "école")],
)
def test_ids_differ_not_in_case(first: str, second: str) -> None:
    assert fold(first) == fold(second)


@pytest.mark.parametrize(
    ("first", "second"), [("ß", "ss"), ("\u0131", "i"), ("\u212a", "k"), ("\u017f", "s"), ("e\u0301", "é"), ("ﬁ", "fi")]
)
def test_different_names_never_fold_to_the_same_text(first: str, second: str) -> None:
    assert fold(first) != fold(second)


def test_folding_is_settled_after_one_time_for_every_character() -> None:
    for code in range(0x20000):
        once = fold(chr(code))
        assert fold(once) == once, hex(code)
        assert len(once) == 1
        assert once.isascii() == chr(code).isascii()


@given(st.text())
def test_folding_ignores_what_ascii_case_a_text_has(text: str) -> None:
    swapped = "".join(character.swapcase() if character.isascii() else character for character in text)
    assert fold(swapped) == fold(text)


@pytest.mark.parametrize(
    ("scope", "container", "inside"),
    [
        ("/subscriptions/s/resourceGroups/mrg", "/subscriptions/s/resourceGroups/mrg", True),
        ("/subscriptions/s/resourcegroups/MRG/", "/subscriptions/s/resourceGroups/mrg", True),
        ("/subscriptions/s/resourceGroups/mrg/providers/x/y/z", "/subscriptions/S/resourceGroups/mrg", True),
        ("subscriptions/s/resourceGroups/mrg", "/subscriptions/s/resourceGroups/mrg", True),
        ("/subscriptions/s/resourceGroups/mrg-2", "/subscriptions/s/resourceGroups/mrg", False),
        ("/subscriptions/s", "/subscriptions/s/resourceGroups/mrg", False),
        ("//subscriptions//s/resourceGroups/mrg//", "/subscriptions/s/resourceGroups/mrg", True),
        (" /subscriptions/s/resourceGroups/m%72g\u200b/x ", "/subscriptions/s/resourceGroups/mrg", True),
        ("/subscriptions/s/resourceGroups/mrg%2Fx", "/subscriptions/s/resourceGroups/mrg", False),
        ("", "/subscriptions/s/resourceGroups/mrg", False),
        ("/subscriptions/s/resourceGroups/mrg", "", False),
    ],
)
def test_a_scope_is_inside_by_whole_segments(scope: str, container: str, inside: bool) -> None:
    assert is_at_or_inside(scope, container) is inside


@given(st.text(max_size=500))
def test_what_is_quoted_is_short_and_printable(text: str) -> None:
    assert len(quoted(text)) <= 100
    assert quoted(text).isprintable()
    assert quoted(text).isascii()
