"""Answers that look relevant: in the language of the question, about its topic, as long as it asks for.

The same prompt and seed get the same answer. Nothing here understands the question: patterns choose a form,
and stock sentences fill it.
"""

from simulator.answers.arithmetic import calculate, find_calculation, format_number
from simulator.answers.compose import compose_answer
from simulator.answers.edits import wants_edits
from simulator.answers.frontend_requests import is_task, title_for
from simulator.answers.prompt import Prompt

__all__ = [
    "Prompt",
    "calculate",
    "compose_answer",
    "find_calculation",
    "format_number",
    "is_task",
    "title_for",
    "wants_edits",
]
