"""What the project takes from others: which files pin it, who audits them, and who keeps them new."""
