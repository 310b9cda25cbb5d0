"""The plain values that all of `translate/` speaks in."""
