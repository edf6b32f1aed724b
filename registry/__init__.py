"""The registry: one row for each managed application in Table storage, equal to what Azure Resource Manager says."""
