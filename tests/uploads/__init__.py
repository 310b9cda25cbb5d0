"""Files that callers store."""
