"""The sans-IO heart: the backend's bytes into events, OpenAI's requests and answers.

Nothing here opens a socket, reads a clock or draws a random number; ids and times are passed in.
"""

from translate.conversation import Conversation, Options
from translate.states import State, WrongState

__all__ = ["Conversation", "Options", "State", "WrongState"]
