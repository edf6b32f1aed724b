"""What an operator does from a shell: look after the registry, and find out what is wrong with the installation."""
