"""The Azure services that the product calls, each played by a file of its own, and what their servers need."""
