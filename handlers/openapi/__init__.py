"""The OpenAPI document: what each route takes and gives. A module for each family of routes."""
