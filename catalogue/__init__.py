"""The models and GPTs on offer."""
