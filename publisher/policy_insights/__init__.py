"""What Azure Policy is asked to do: to evaluate a resource group now, and to remediate what violates an assignment."""
