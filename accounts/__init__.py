"""Whose key, whose turn."""
