"""What the GitHub workflows run besides the hooks, and the rights that their identities have.

Plain Python: nothing has to be installed.
"""
