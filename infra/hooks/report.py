"""What a check found: problems stop the deployment, notes do not. Each says what to do."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field


@dataclass(slots=True)
class Report:
    """Findings of one check run. A note is for what could not be checked, or has to be done later."""

    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, other: Report) -> None:
        """Take over the findings of another report."""
        self.problems += other.problems
        self.notes += other.notes

    def tell(self, title: str) -> int:
        """Print the findings; return the exit status: 1 with problems, 0 without."""
        for note in self.notes:
            sys.stdout.write(f"note: {note}\n")
        for problem in self.problems:
            sys.stderr.write(f"problem: {problem}\n")
        verdict = f"{len(self.problems)} problem(s), nothing was changed" if self.problems else "nothing is in the way"
        sys.stdout.write(f"{title}: {verdict}\n")
        return 1 if self.problems else 0
