"""Anthropic's requests and answers: the Messages API, as its SDKs and Claude Code speak it."""

from translate.anthropic.errors import Envelope, error_status
from translate.anthropic.models import model_list, model_object
from translate.anthropic.request import MessagesRequest, messages_request
from translate.anthropic.stream import MessagesStream
from translate.anthropic.whole import WholeMessage

__all__ = [
    "Envelope",
    "MessagesRequest",
    "MessagesStream",
    "WholeMessage",
    "error_status",
    "messages_request",
    "model_list",
    "model_object",
]
