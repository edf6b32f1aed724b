"""``make demo``: chapters (story.py) made of steps (steps.py) that do something, show it (display.py) and check it."""
