"""The failures of calls to Azure: one class for each way to handle them, and how an answer becomes one of them."""
