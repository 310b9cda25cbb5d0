"""HTTP: routes, requests, responses. What is behind a route stands in other rooms."""

from handlers.app import ROUTES, AppParts, make_app
from handlers.base import Common
from handlers.chat import ChatOptions
from handlers.client_connection import StreamTiming
from handlers.console import ConsoleParts

__all__ = ["ROUTES", "AppParts", "ChatOptions", "Common", "ConsoleParts", "StreamTiming", "make_app"]
