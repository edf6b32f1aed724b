"""CSV for spreadsheets, in which text that begins like a formula is quoted, so that it is not run.

Source: OWASP, CSV injection. Names of customers and resources are chosen by others.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any, Final

from compliance_api.http import Answer
from publisher.texts import harmless

_DANGEROUS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - full-width signs count


def csv_answer(file_name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Answer:
    """Return a CSV file to save (UTF-8 with a byte order mark, which spreadsheets need to see that it is)."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_MINIMAL)
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return Answer(
        b"\xef\xbb\xbf" + text.getvalue().encode(),
        media_type="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{file_name}"'},
    )


def _cell(value: Any) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return value
    text = harmless(str(value).replace("\x00", ""))
    return f"'{text}" if text.lstrip(" ").startswith(_DANGEROUS) else text
