"""One user's turn, without HTTP."""
