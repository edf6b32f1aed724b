"""The pretend customers: what they deployed, which policies they have, and what Azure Policy says about them."""
