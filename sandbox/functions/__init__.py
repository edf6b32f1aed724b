"""A small Functions host, and what stands before it: keys and the platform's sign-in."""
