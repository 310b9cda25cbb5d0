"""HTTP to the backend."""
