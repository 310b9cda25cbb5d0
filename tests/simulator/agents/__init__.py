"""Models that are told of tools and JSON."""
