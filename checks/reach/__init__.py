"""What each identity of the installation can reach, derived from the templates alone.

infra/allowed_rights.json says what it may be. Whatever else a template gives, or might give in a way that is not
understood here, is a problem; so is a table in docs/security.md that says something else.
"""
