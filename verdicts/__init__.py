"""Verdicts: judged in code, remembered in a ledger, and published as rows; nothing is concluded from a missing row."""
