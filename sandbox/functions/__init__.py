"""A small Azure Functions host (host.py) as a process (process.py), and App Service authentication (easy_auth.py)."""
