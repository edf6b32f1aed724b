"""Static checks of what no Python tool reads: queries, alert rules, templates. `make lint` runs them."""
