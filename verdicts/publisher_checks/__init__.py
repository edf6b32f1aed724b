"""The publisher's own checks of what no built-in policy judges: pure functions of what ARM says of resources."""
