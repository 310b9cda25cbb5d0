"""Which requests go on with a conversation that the backend has."""
