"""What stands around a deployment: checks before it, the values for Partner Center and a smoke test after it.

Plain Python and the Azure CLI: nothing has to be installed to deploy.
"""
