"""The backend's WebSockets."""
