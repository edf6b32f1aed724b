"""The audit trail: who asked the API for what, and who changed what with the operator's commands."""
