"""Descriptions of GPTs."""
