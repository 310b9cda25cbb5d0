"""Which account takes a turn, and what becomes of an account that fails."""
