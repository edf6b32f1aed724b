"""What was agreed with a customer, and until when: acceptances of ours, and exemptions at the customer."""
