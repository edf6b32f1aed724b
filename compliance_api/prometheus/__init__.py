"""The fleet and the collector as metrics."""
