"""``make demo``: the whole system on this machine, told as a story that checks itself."""
