"""What the backend says and what it is told."""
