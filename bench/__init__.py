"""``make bench``: time and memory of the collector, compared with two other programs on the same machine."""
