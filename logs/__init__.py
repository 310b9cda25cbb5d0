"""Log lines, and the last failures."""
