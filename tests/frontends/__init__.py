"""Chat front ends that others wrote, driven in a browser. See README.md."""
