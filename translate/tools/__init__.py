"""Calls of the client's tools and answers of a given form, over a backend that knows neither: asked for in
words, and read out of the answer's text.
"""

from translate.tools.checks import checked_format, checked_tool, checked_toolbox
from translate.tools.contract import AnswerContract
from translate.tools.envelope import Nonces
from translate.tools.instructions import fingerprint, instructed

__all__ = [
    "AnswerContract",
    "Nonces",
    "checked_format",
    "checked_tool",
    "checked_toolbox",
    "fingerprint",
    "instructed",
]
