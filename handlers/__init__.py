"""HTTP: routes, requests, responses. What is behind a route stands in other rooms."""

from handlers.answer import AnswerParts
from handlers.app import ROUTES, AppParts, make_app, make_metrics_app
from handlers.base import Common
from handlers.chat import ChatOptions
from handlers.client_connection import StreamTiming
from handlers.continuing import Lasting
from handlers.emulation import Emulation
from handlers.responses.parts import ResponsesParts

__all__ = [
    "ROUTES",
    "AnswerParts",
    "AppParts",
    "ChatOptions",
    "Common",
    "Emulation",
    "Lasting",
    "ResponsesParts",
    "StreamTiming",
    "make_app",
    "make_metrics_app",
]
