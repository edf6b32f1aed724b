"""Azure on your own machine: small servers that speak the REST of the Azure services which the product uses.

The product runs against them unchanged; only endpoints and the certificate authority differ. What a server does not
implement it answers with 501, so that nobody takes a guess for Azure's behaviour.
"""
