"""Files of settings that an operator writes: JSON, of which every mistake is told with its line and field."""
