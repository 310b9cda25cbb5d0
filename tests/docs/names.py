"""The names that documents may use."""

import ast

from tests.source_tree import defined_in, read_modules
from tests.test_architecture import ROOM_NAMES

_DEFINITIONS = [
    node
    for module in read_modules(sorted(ROOM_NAMES)).values()
    for node in ast.walk(module.tree)
    if isinstance(node, ast.ClassDef)
]
CLASSES = frozenset(node.name for node in _DEFINITIONS)
"""All classes of the service."""
MEMBERS = frozenset((node.name, member) for node in _DEFINITIONS for member in defined_in(node))
"""Each class with each of the methods and attributes that it defines."""
