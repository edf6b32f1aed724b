"""What Azure Resource Manager says of what is in a resource group."""
