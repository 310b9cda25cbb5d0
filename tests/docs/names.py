"""The names that documents may use."""

import ast

from tests.source_tree import read_modules
from tests.test_architecture import ROOM_NAMES

CLASSES = frozenset(
    node.name
    for module in read_modules(sorted(ROOM_NAMES)).values()
    for node in ast.walk(module.tree)
    if isinstance(node, ast.ClassDef)
)
"""All classes of the service."""
