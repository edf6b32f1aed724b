"""What an operator does at a customer: let Azure evaluate now, and remediate what violates an assignment."""
