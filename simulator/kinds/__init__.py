"""The kinds of turns: what happens in each, and which one a request gets (protocol notes, section 8)."""

from simulator.kinds.selection import KINDS, steps_for
from simulator.kinds.selection_2026 import KINDS_2026
from simulator.kinds.thinking import thoughts
from simulator.kinds.thinking_2026 import thoughts_2026

__all__ = ["KINDS", "KINDS_2026", "steps_for", "thoughts", "thoughts_2026"]
