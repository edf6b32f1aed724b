"""What is checked before a deployment: the values, and whether Azure is ready for them."""
