"""From what the backend says to the text that a person reads."""
