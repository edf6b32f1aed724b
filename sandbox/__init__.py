"""Azure on your own machine: small servers that speak the REST of the Azure services which the product uses.

The product runs against them unchanged; only endpoints and the certificate authority differ. Where Azure would do
something that a server does not implement, it answers 501. What goes where:

    azure/       one file per Azure service; a new answer of a service goes there
    functions/   the Functions host, and App Service authentication before it
    workspace/   the Log Analytics tables (DuckDB) and their query API
    alerts/      the alert rules of infra/, evaluated as Azure Monitor does
    world/       the customers: deployments, policies, policy states
    faults/      what can fail (operations.py) and how (effects.py)
    demo/        `make demo`; a new chapter goes into story.py
    local_azure.py puts the services together (`Sandbox`), installation.py the product on top of them (`Installation`)
"""
