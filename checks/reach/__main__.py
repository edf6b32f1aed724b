"""`python -m checks.reach` compares the templates, what is allowed, and docs/security.md; `--write` writes the table.

Prints one line for each problem, and exits with 1 when there is one.
"""

from __future__ import annotations

import sys

from checks.reach import comparison, table


def main(arguments: list[str]) -> int:
    """Compare, or write the table; nothing is written about templates that give more than is allowed."""
    found = comparison.problems()
    if arguments == ["--write"] and not found:
        table.DOCUMENT.write_text(table.written(table.DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
    found += table.problems()
    for problem in found:
        print(problem)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
