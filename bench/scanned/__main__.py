"""``python -m bench.scanned``: how many rows each query scans, now and before; ``--document`` writes it down.

docs/performance.md shows the table and says how it is counted; docs/scanned.json has the numbers.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from bench.scanned.document import result_of, table, write
from bench.scanned.queries import NoHistoryError

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Count, print the table, and write it down if asked to; return 2 when the history is missing."""
    parser = argparse.ArgumentParser(prog="python -m bench.scanned", description="How many rows each query scans.")
    parser.add_argument("--document", action="store_true", help="write docs/performance.md and docs/scanned.json")
    options = parser.parse_args(arguments)
    try:
        result = result_of()
    except NoHistoryError as error:
        print(error, file=sys.stderr)
        return 2
    print(table(result))
    if options.document:
        write(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
