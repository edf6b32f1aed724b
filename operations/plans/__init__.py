"""What an operator settles for the applications of a plan: the command, and the file that it reads."""
