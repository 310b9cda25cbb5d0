"""Answers that look relevant: in the language of the question, about its subject, as long as it asks for.

The same prompt (and seed) gets the same answer. Nothing here understands anything; patterns choose a form and
a bank of sentences fills it.
"""

from simulator.answers.compose import compose, title_for

__all__ = ["compose", "title_for"]
