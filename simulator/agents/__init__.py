"""A model that does what its prompt says of tools and JSON. It reads the example, the list, what must be.

Nothing here is asked of the service: what the model knows stands in the messages that were posted. By the
knob `habit` it does it in other ways.
"""

from simulator.agents.decision import Call, question_of, result_as_text, wanted_calls
from simulator.agents.instructions import (
    Instructions,
    Result,
    Said,
    is_asked_again,
    read_instructions,
)
from simulator.agents.schema_instances import instance_of
from simulator.agents.writing import Habit, written_calls, written_json

__all__ = [
    "Call",
    "Habit",
    "Instructions",
    "Result",
    "Said",
    "instance_of",
    "is_asked_again",
    "question_of",
    "read_instructions",
    "result_as_text",
    "wanted_calls",
    "written_calls",
    "written_json",
]
