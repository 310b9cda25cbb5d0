"""Who may use what, by `accounts.json`: accounts of the operator's, and keys of this service."""
