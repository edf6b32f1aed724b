"""What can be reached from inside an app: everything is tried (probe.py, calls.py), with the app's settings alone."""
