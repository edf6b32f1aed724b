"""``cost``: what a month costs, from what the tables took in."""
