"""A model that does what its prompt says of tools and JSON. It reads the example, the list, what must be.

Nothing here is asked of the service: what the model knows stands in the messages that were posted. By the
knob `habit` it does it in other ways.
"""

from simulator.agents.decision import Call, wanted_calls
from simulator.agents.instructions import (
    Instructions,
    Result,
    Said,
    is_asked_again,
    read_instructions,
)
from simulator.agents.question import Question
from simulator.agents.schema_instances import instance_of
from simulator.agents.writing import Habit, result_as_text, written_calls, written_json

__all__ = [
    "Call",
    "Habit",
    "Instructions",
    "Question",
    "Result",
    "Said",
    "instance_of",
    "is_asked_again",
    "read_instructions",
    "result_as_text",
    "wanted_calls",
    "written_calls",
    "written_json",
]
