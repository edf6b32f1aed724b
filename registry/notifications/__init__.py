"""What the worker does with notifications: told, remembered as pending, and asked about until ARM has answered."""
