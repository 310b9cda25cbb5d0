"""The kinds of turns: what happens in each, and which one a request gets (protocol notes, section 8)."""

from simulator.kinds.selection import KINDS, steps_for
from simulator.kinds.thinking import thoughts

__all__ = ["KINDS", "steps_for", "thoughts"]
