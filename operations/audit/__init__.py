"""The audit trail of the operator's commands: a row for each that changes something, whatever becomes of it."""
