"""`python -m checks.supply_chain` prints what is not pinned, or not watched; exit status 1 when there is something."""

from __future__ import annotations

import sys

from checks.supply_chain.watch import problems


def main() -> int:
    """Print every problem; 0 when there is none, 1 otherwise."""
    found = problems()
    for problem in found:
        print(problem)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
