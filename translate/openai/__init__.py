"""OpenAI's requests and answers: what a caller asks, and how it is answered."""

from translate.openai.audio import (
    MAX_SPEECH,
    SPEECH_TYPES,
    SPEECH_VOICES,
    SpeechAnswer,
    SpeechRequest,
    TranscriptionRequest,
    read_speech,
    read_transcription,
    repeats,
    repetition,
    transcription,
)
from translate.openai.chat import ChatStream, WholeChat
from translate.openai.completions import CompletionStream, WholeCompletion, completion_request
from translate.openai.content import MAX_ATTACHMENTS
from translate.openai.errors import envelope
from translate.openai.form import Form, FormBody, FormFile, read_form
from translate.openai.images import (
    MAX_IMAGE_PROMPT,
    MAX_IMAGES,
    ImageRequest,
    ImagesAnswer,
    instruction,
    nothing_drawn,
    read_fields,
)
from translate.openai.json_body import JsonBody
from translate.openai.request import MAX_STOPS, ChatRequest, chat_request, read_chat
from translate.openai.responses.conversations import (
    MAX_ADDED,
    MAX_METADATA_KEY,
    MAX_METADATA_VALUE,
    conversation_items,
    conversation_metadata,
)
from translate.openai.responses.draft import ResponseDraft, ResponseFacts
from translate.openai.responses.formats import ResponseStream, WholeResponse
from translate.openai.responses.items import (
    calls_in,
    check_outputs,
    messages_of,
    references,
    resolved,
    settled,
    with_id,
)
from translate.openai.responses.request import MAX_METADATA, ResponsesRequest, responses_request

__all__ = [
    "MAX_ADDED",
    "MAX_ATTACHMENTS",
    "MAX_IMAGES",
    "MAX_IMAGE_PROMPT",
    "MAX_METADATA",
    "MAX_METADATA_KEY",
    "MAX_METADATA_VALUE",
    "MAX_SPEECH",
    "MAX_STOPS",
    "SPEECH_TYPES",
    "SPEECH_VOICES",
    "ChatRequest",
    "ChatStream",
    "CompletionStream",
    "Form",
    "FormBody",
    "FormFile",
    "ImageRequest",
    "ImagesAnswer",
    "JsonBody",
    "ResponseDraft",
    "ResponseFacts",
    "ResponseStream",
    "ResponsesRequest",
    "SpeechAnswer",
    "SpeechRequest",
    "TranscriptionRequest",
    "WholeChat",
    "WholeCompletion",
    "WholeResponse",
    "calls_in",
    "chat_request",
    "check_outputs",
    "completion_request",
    "conversation_items",
    "conversation_metadata",
    "envelope",
    "instruction",
    "messages_of",
    "nothing_drawn",
    "read_chat",
    "read_fields",
    "read_form",
    "read_speech",
    "read_transcription",
    "references",
    "repeats",
    "repetition",
    "resolved",
    "responses_request",
    "settled",
    "transcription",
    "with_id",
]
