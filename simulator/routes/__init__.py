"""HTTP routes of the simulated backend."""
