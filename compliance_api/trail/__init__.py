"""The audit trail of the API: one row for each request that reaches code, and for each call of a tool within one."""
