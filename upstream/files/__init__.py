"""The backend's files."""
