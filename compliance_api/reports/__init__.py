"""The report about one customer's application and a period, which an auditor can check against the tables."""
