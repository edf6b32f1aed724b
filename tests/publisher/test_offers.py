"""Which applications are the publisher's, as a setting says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.configuration.offers import Offers, offers_from
from publisher.environment import Environment, SettingsError

DEFINITION = (
    "/subscriptions/7e57ab1e-0000-4000-8000-0000000000ca/resourceGroups/rg-catalog"
    "/providers/Microsoft.Solutions/applicationDefinitions/Secure-Analytics"
)
OFFER = "Contoso/secure-analytics"


def offers_of(value: str | None) -> Offers:
    env = Environment({} if value is None else {"OFFERS": value})
    offers = offers_from(env)
    env.finish()
    return offers


def problem_of(value: str | None) -> str:
    with pytest.raises(SettingsError) as error:
        offers_of(value)
    (problem,) = error.value.problems
    return problem


def sold(offers: Offers, publisher: str = "", product: str = "", definition_id: str = "") -> bool:
    return offers.include(publisher=publisher, product=product, definition_id=definition_id)


def test_an_offer_counts_in_any_casing_and_no_other() -> None:
    offers = offers_of(OFFER)
    assert sold(offers, "CONTOSO", "Secure-Analytics")
    assert not sold(offers, "contoso", "secure-analytics-2")
    assert not sold(offers, "contos", "secure-analytics")
    assert not sold(offers, "contoso")
    assert not sold(offers, "", "secure-analytics")
    assert not sold(offers)


def test_a_definition_counts_however_its_id_is_spelled() -> None:
    offers = offers_of(DEFINITION[1:].lower())
    for spelling in (DEFINITION, DEFINITION[1:], DEFINITION.upper(), DEFINITION.lower()):
        assert sold(offers, definition_id=spelling)
    assert not sold(offers, definition_id=DEFINITION + "-2")
    assert not sold(offers, "contoso", "secure-analytics", DEFINITION.replace("rg-catalog", "rg-other"))


@pytest.mark.parametrize("separator", [",", ", ", " ", "\n", " ,\r\n\t", ",,"])
def test_commas_and_white_space_separate(separator: str) -> None:
    offers = offers_of(separator.join(["", OFFER, "contoso/other", DEFINITION, ""]))
    assert offers.marketplace == {("contoso", "secure-analytics"), ("contoso", "other")}
    assert len(offers.definitions) == 1
    assert not offers.every


def test_a_star_means_every_application() -> None:
    offers = offers_of(" * ")
    assert offers.every
    assert sold(offers)
    assert sold(offers, "stranger", "anything", DEFINITION)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "is not set; name what counts as yours"),
        ("", "is empty; name what counts as yours"),
        (" \n ", "is empty; name what counts as yours"),
        (", ,", "names nothing; name what counts as yours"),
        (f"*,{OFFER}", "names offers beside *; keep one of the two"),
        ("* *", "names offers beside *; keep one of the two"),
        ("contoso", "has 'contoso', which is neither"),
        ("contoso/", "has 'contoso/', which is neither"),
        ("contoso/a/b", "has 'contoso/a/b', which is neither"),
        ("contoso/*", "has 'contoso/*', which is neither"),
        (f"{OFFER} kontoß/x", "which is neither"),
        (DEFINITION.replace("applicationDefinitions", "applications"), "which is neither"),
        (DEFINITION + "/x", "which is neither"),
    ],
)
def test_what_names_no_offer_is_the_one_problem(value: str | None, said: str) -> None:
    problem = problem_of(value)
    assert problem.startswith("OFFERS: ")
    assert said in problem


WORD = st.text(alphabet="abcXYZ019._-", min_size=1, max_size=12).filter(lambda word: word[0] not in "._-")


@given(st.lists(st.tuples(WORD, WORD), min_size=1, max_size=6), st.tuples(WORD, WORD))
def test_exactly_what_is_named_counts(named: list[tuple[str, str]], other: tuple[str, str]) -> None:
    offers = offers_of(",".join("/".join(pair) for pair in named))
    assert all(sold(offers, *pair) for pair in named)
    assert sold(offers, *other) == (tuple(map(str.lower, other)) in {tuple(map(str.lower, pair)) for pair in named})


@given(st.text(max_size=80) | st.text(alphabet="*,/a \n", max_size=6))
def test_a_setting_that_says_nothing_is_never_taken_for_offers(value: str) -> None:
    try:
        offers = offers_of(value)
    except SettingsError:
        return
    assert offers.every or offers.marketplace or offers.definitions
