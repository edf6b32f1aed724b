"""``make sandbox``: an installation that runs until it is told to stop, with addresses to try and customers to play."""
