"""``discover``: applications of ours that no notification told of."""
