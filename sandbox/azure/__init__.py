"""The REST of the Azure services that the product calls, each as a small server."""
