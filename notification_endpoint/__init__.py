"""The webhook that Azure calls about managed applications: it puts what it is told on a queue, and answers."""
