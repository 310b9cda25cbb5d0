"""One user's turn, without HTTP: from a prompt and an answer format to the outcome."""

from turns.answer_files import base64_size
from turns.attachments import AttachmentUploader, as_part_error
from turns.chained import ChainedRunner
from turns.drawing import DrawingRunner
from turns.factory import TurnFactory
from turns.failures import outcome_of
from turns.later_hiding import QUIET_SECONDS, LaterHiding
from turns.need import need_of_model
from turns.outcome import TurnOutcome
from turns.parts import Answered, Runner, TurnParts, TurnRequest
from turns.preparation import Preparation, Prompt, PromptOptions
from turns.relay import Client
from turns.runner import TurnRunner
from turns.running import RunningAnswers
from turns.shortages import Shortages
from turns.stoppable import StoppableWork, Stopped
from turns.token_counter import TokenCounter
from turns.voice import Voice

__all__ = [
    "QUIET_SECONDS",
    "Answered",
    "AttachmentUploader",
    "ChainedRunner",
    "Client",
    "DrawingRunner",
    "LaterHiding",
    "Preparation",
    "Prompt",
    "PromptOptions",
    "Runner",
    "RunningAnswers",
    "Shortages",
    "StoppableWork",
    "Stopped",
    "TokenCounter",
    "TurnFactory",
    "TurnOutcome",
    "TurnParts",
    "TurnRequest",
    "TurnRunner",
    "Voice",
    "as_part_error",
    "base64_size",
    "need_of_model",
    "outcome_of",
]
