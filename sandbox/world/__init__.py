"""The customers: what they deployed, the policies assigned to it, and their policy states."""
