"""What the backend says, and what it is told: streams, dialects, messages, payloads, frames, errors."""

from translate.backend.content_citations import ReferencesChange
from translate.backend.damage import is_quiet
from translate.backend.dialects import DeltaDialect, Dialect, SnapshotDialect, Trouble, is_content
from translate.backend.errors import Said, error_from_response, read_detail, said_by
from translate.backend.fast_path import FastPath, is_plain
from translate.backend.found_gpts import read_found_gpts
from translate.backend.gizmo import MAX_GIZMO_BYTES, as_gizmo, read_gizmo
from translate.backend.interpreter import REFERENCES_PATCH, Interpreter
from translate.backend.limits import read_limits
from translate.backend.model_list import read_model_list
from translate.backend.payload import (
    NO_WISHES,
    PostedConversation,
    Uploaded,
    Wishes,
    confirmation,
    continuation,
    conversation,
    preflight,
)
from translate.backend.prompt_form import folded, one_system_message, with_long_texts_as_files
from translate.backend.sse import MAX_RECORD_BYTES, PING, Record, RecordTooLarge, SseSplitter, unglued
from translate.backend.stored import DONE, STORED_TURN, StoredTurn
from translate.backend.topics import (
    NEWS,
    TopicEnd,
    TopicMessage,
    TurnTopic,
    news_of,
    read_topics,
    read_user_socket,
    socket_greeting,
    topic_cancellation,
    topic_subscription,
)
from translate.backend.turn_facts import TurnFacts
from translate.backend.websocket_frames import (
    SUBPROTOCOL,
    Connected,
    EndFinder,
    Frame,
    FrameSequence,
    Handover,
    MissingFrames,
    StartFinder,
    read_address,
    read_frame,
    read_handover,
)

__all__ = [
    "DONE",
    "MAX_GIZMO_BYTES",
    "MAX_RECORD_BYTES",
    "NEWS",
    "NO_WISHES",
    "PING",
    "REFERENCES_PATCH",
    "STORED_TURN",
    "SUBPROTOCOL",
    "Connected",
    "DeltaDialect",
    "Dialect",
    "EndFinder",
    "FastPath",
    "Frame",
    "FrameSequence",
    "Handover",
    "Interpreter",
    "MissingFrames",
    "PostedConversation",
    "Record",
    "RecordTooLarge",
    "ReferencesChange",
    "Said",
    "SnapshotDialect",
    "SseSplitter",
    "StartFinder",
    "StoredTurn",
    "TopicEnd",
    "TopicMessage",
    "Trouble",
    "TurnFacts",
    "TurnTopic",
    "Uploaded",
    "Wishes",
    "as_gizmo",
    "confirmation",
    "continuation",
    "conversation",
    "error_from_response",
    "folded",
    "is_content",
    "is_plain",
    "is_quiet",
    "news_of",
    "one_system_message",
    "preflight",
    "read_address",
    "read_detail",
    "read_found_gpts",
    "read_frame",
    "read_gizmo",
    "read_handover",
    "read_limits",
    "read_model_list",
    "read_topics",
    "read_user_socket",
    "said_by",
    "socket_greeting",
    "topic_cancellation",
    "topic_subscription",
    "unglued",
    "with_long_texts_as_files",
]
