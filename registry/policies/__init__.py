"""The policy assignments of applications: read from ARM, compared, named and stored."""
