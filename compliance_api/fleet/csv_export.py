"""CSV for spreadsheets of every locale, in which no text is run as a formula; every line says which run it speaks of.

Names of customers and resources are chosen by others. A spreadsheet that separates cells by semicolons cuts our lines
elsewhere, whatever is quoted: so what follows such a separator inside a text is looked at like its beginning.
Source: OWASP, CSV injection.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from compliance_api.http import Answer
from publisher.texts import one_line

RUN_COLUMNS: Final = ("run_id", "run_time", "age_seconds", "state", "unread_applications")
"""The columns that every export begins with."""

_SEPARATORS: Final = ";|"
"""What separates cells in other locales; tabs and line ends become blanks."""

_SIGNS: Final = "=+-@\N{MINUS SIGN}"
_QUOTES: Final = "'\"`\N{ACUTE ACCENT}"
_EMPTY: Final = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
"""Characters that print nothing although Unicode calls them letters, marks or symbols."""

_BEGINNING: Final = re.compile(rf"(?:^|(?<=[{_SEPARATORS}]))[^{_SEPARATORS}]*")


def csv_answer(
    file_name: str, frame: Mapping[str, Any], columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> Answer:
    """Return a CSV file to save (UTF-8 with a byte order mark, which spreadsheets need to see that it is).

    `frame` is the beginning of the same answer in JSON (`frame.frame`). Without rows the file has one line that says
    nothing but the run and how many could not be read, so that an empty list is not taken for a clean one.
    """
    run = frame["as_of"] or {}
    of_run = [run.get("run_id"), run.get("run_time"), run.get("age_seconds"), frame["state"], frame["unread"]["count"]]
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_MINIMAL)
    writer.writerow([*RUN_COLUMNS, *columns])
    lines = 0
    for row in rows:
        writer.writerow([_cell(value) for value in (*of_run, *row)])
        lines += 1
    if not lines:
        writer.writerow([_cell(value) for value in (*of_run, *([None] * len(columns)))])
    return Answer(
        b"\xef\xbb\xbf" + text.getvalue().encode(),
        media_type="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{file_name}"'},
        rows=lines,
    )


def cells_of(one: Mapping[str, Any], columns: Iterable[str], more: Mapping[str, Any] | None = None) -> list[Any]:
    """Return an item of a JSON answer as cells: a column has the item's member of its name, unless `more` has it.

    `plan`, `application` and `assignment`, where an item has them, are told by their name, and by a column of their own
    for the version or the id.
    """
    plan, application, assignment = (one.get(name) or {} for name in ("plan", "application", "assignment"))
    known = {
        "plan": plan.get("name"),
        "plan_version": plan.get("version"),
        "application": application.get("name"),
        "application_id": application.get("id"),
        "assignment": assignment.get("name"),
        "assignment_id": assignment.get("id"),
        **(more or {}),
    }
    return [known[column] if column in known else one[column] for column in columns]


def _cell(value: Any) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return value
    return _BEGINNING.sub(_quoted, one_line(str(value)))


def _quoted(beginning: re.Match[str]) -> str:
    """Return what a cell may begin with: an apostrophe before what a spreadsheet would take for a formula."""
    text = beginning[0]
    first = next((character for character in text if not _is_skipped(character)), "")
    is_formula = first and (unicodedata.normalize("NFKC", first)[0] in _SIGNS or unicodedata.category(first) == "Pd")
    return f"'{text}" if is_formula else text


def _is_skipped(character: str) -> bool:
    """Tell whether a spreadsheet may overlook a character before a formula: blanks, quotes, and what prints nothing."""
    return (
        character in _QUOTES
        or character in _EMPTY
        or unicodedata.category(character) in {"Pi", "Pf", "Mn", "Me"}
        or unicodedata.category(character)[0] in "ZC"
        or unicodedata.normalize("NFKC", character) in _QUOTES
    )
