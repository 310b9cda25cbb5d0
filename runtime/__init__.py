"""What the process offers to every room."""
