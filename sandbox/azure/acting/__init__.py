"""What Azure does when it is asked to act in a managed resource group: to evaluate it, and to remediate."""
