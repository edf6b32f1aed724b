"""``python -m publisher`` has moved: it says where to."""

import sys


def main() -> int:
    """Print the new command; exit status 2, as for a wrong usage."""
    sys.stderr.write("python -m publisher is now python -m operations, with the same commands and options\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
