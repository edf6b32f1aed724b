"""The guard: the policy assignments are what an application is watched with, so they are watched themselves."""
