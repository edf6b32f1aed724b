"""Exports open safely in spreadsheets of every locale: whatever a name holds, no cell of it is a formula."""

import csv
import io
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance_api.fleet.csv_export import RUN_COLUMNS, csv_answer

AS_OF = {
    "as_of": {"run_id": "run-1", "run_time": "2026-03-10T11:00:00Z", "age_seconds": 60, "is_stale": False},
    "state": "current",
    "unread": {"count": 2, "applications": []},
}
SIGNS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "﹢", "﹣", "−", "–", "⁺")  # noqa: RUF001
BEFORE = ("", " ", "\t", "\r", "\n", "\u00a0", "\ufeff", "\u200b", "\u200d", "\u202e", "\u2066", "\u2060", "\u00ad", "\u3164",
          "\u2800", "\u034f", "\ufe0f", '"', "'", "“", "‘", "«", "`", "＂", ' "\ufeff\' ', "\x00", "\x1b", "\u2028")  # fmt: skip  # noqa: RUF001
SEPARATED = ("x;", "x\t", "x|", 'x";', "x\r\n", "x;;", "x; ")


def exported(*cells: object) -> list[str]:
    body = csv_answer("x.csv", AS_OF, [f"c{number}" for number in range(len(cells))], [cells]).body
    assert body.startswith(b"\xef\xbb\xbf")
    _, line = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""))
    return line[len(RUN_COLUMNS) :]


def is_formula(text: str) -> bool:
    """Whether a spreadsheet could take a cell for a formula, when it overlooks blanks, quotes and what prints nothing."""
    for character in text:
        if character == "'":
            return False
        if character.isspace() or not character.isprintable() or character in '"“‘«`＂\u3164\u2800\u034f\ufe0f':  # noqa: RUF001
            continue
        return unicodedata.normalize("NFKC", character)[0] in "=+-@−–"  # noqa: RUF001
    return False


@pytest.mark.parametrize("before", BEFORE)
def test_no_text_is_a_formula_whatever_stands_before_it(before: str) -> None:
    for sign in SIGNS:
        [cell] = exported(f'{before}{sign}HYPERLINK("http://x")')
        assert not is_formula(cell), repr(cell)
        assert cell[:1] == "'" or before[:1] == "'"


@pytest.mark.parametrize("separated", SEPARATED)
def test_no_text_is_a_formula_in_a_locale_with_another_separator(separated: str) -> None:
    for before in BEFORE:
        for sign in SIGNS:
            [cell] = exported(f"{separated}{before}{sign}1+1")
            assert not any(is_formula(part) for part in re.split(r"[;\t|\r\n]", cell)), repr(cell)


@given(st.text(alphabet=st.sampled_from("=+-@;|\t\r\n\"' ,aＡ＝1\ufeff\u202e\u200b−")))  # noqa: RUF001
def test_no_text_of_any_kind_is_a_formula_in_any_locale(text: str) -> None:
    body = csv_answer("x.csv", AS_OF, ["c"], [[text]]).body.decode("utf-8-sig")
    assert body.count("\r\n") == 2
    [line] = body.splitlines()[1:]
    for separator in (";", "\t", "|"):
        assert not [part for part in line.split(separator) if is_formula(part)]
    assert not any(is_formula(cell) for cell in next(csv.reader([line])))


def test_numbers_stay_numbers_and_plain_texts_stay_as_they_are() -> None:
    plain = ["2026-03-10T11:00:00Z", "Contoso Ltd", "x-1", "a;b", "/subscriptions/1", "ünï ✓", "1.0", "a, b"]

    numbers = [-1, 0, 28.5, None]

    assert exported(*numbers, *plain) == ["-1", "0", "28.5", "", *plain]


def test_every_line_carries_the_run_and_an_empty_list_is_not_a_clean_one() -> None:
    def read(lines: list[list[object]]) -> list[dict[str, str]]:
        body = csv_answer("x.csv", AS_OF, ["name"], lines).body
        return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"))))

    run = {"run_id": "run-1", "run_time": "2026-03-10T11:00:00Z", "age_seconds": "60", "state": "current",
           "unread_applications": "2"}  # fmt: skip
    assert read([["a"], ["b"]]) == [{**run, "name": "a"}, {**run, "name": "b"}]
    assert read([]) == [{**run, "name": ""}]
