"""How fast, how small: the collector against the obvious program and against a floor, on one machine in one run."""
