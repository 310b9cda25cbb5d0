"""Plain values that every room speaks in: errors, prompts, models, GPTs, prices, token counts, outside JSON.

Nothing here imports another room.
"""

from translate.values.errors import (
    AccountBusy,
    ApiError,
    BadRequest,
    Forbidden,
    InternalError,
    MethodNotAllowed,
    NotAdmitted,
    NotFound,
    Overloaded,
    QuotaExceeded,
    RateLimited,
    TooLarge,
    Unauthorized,
    UnsupportedMediaType,
    UpstreamFailed,
    UpstreamTimeout,
    model_not_found,
)
from translate.values.gizmo import Gizmo, is_gizmo_id
from translate.values.gpts import MAX_GPTS_FILE_BYTES, Gpt, GptsError, read_gpts
from translate.values.json import JsonObject, json_object, object_at, objects_at, text_at
from translate.values.models import ANY_GPT, BUILT_IN, DEFAULT_UNITS, GPT_35_TURBO, Catalogue, Model
from translate.values.prompt import Attachment, ChatMessage, Role
from translate.values.style import STYLES, Style
from translate.values.unicode import SURROGATE, concatenate, join_surrogates, well_formed
from translate.values.usage import CountTokens, Usage, picture_tokens, usage_of

__all__ = [
    "ANY_GPT",
    "BUILT_IN",
    "DEFAULT_UNITS",
    "GPT_35_TURBO",
    "MAX_GPTS_FILE_BYTES",
    "STYLES",
    "SURROGATE",
    "AccountBusy",
    "ApiError",
    "Attachment",
    "BadRequest",
    "Catalogue",
    "ChatMessage",
    "CountTokens",
    "Forbidden",
    "Gizmo",
    "Gpt",
    "GptsError",
    "InternalError",
    "JsonObject",
    "MethodNotAllowed",
    "Model",
    "NotAdmitted",
    "NotFound",
    "Overloaded",
    "QuotaExceeded",
    "RateLimited",
    "Role",
    "Style",
    "TooLarge",
    "Unauthorized",
    "UnsupportedMediaType",
    "UpstreamFailed",
    "UpstreamTimeout",
    "Usage",
    "concatenate",
    "is_gizmo_id",
    "join_surrogates",
    "json_object",
    "model_not_found",
    "object_at",
    "objects_at",
    "picture_tokens",
    "read_gpts",
    "text_at",
    "usage_of",
    "well_formed",
]
