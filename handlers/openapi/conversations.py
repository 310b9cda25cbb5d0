"""Conversations and their items."""

from typing import Final

from handlers.openapi.operations import (
    KEYED,
    WITH_BODY,
    Family,
    in_path,
    json_answer,
    json_body,
    operation,
)
from handlers.openapi.responses import IN_PAGES
from handlers.openapi.schemas import Schema, array, integer, nullable, page_of, record, ref, text, whole
from translate.openai import MAX_ADDED, MAX_METADATA, MAX_METADATA_KEY, MAX_METADATA_VALUE

_METADATA: Final[Schema] = {
    "type": "object",
    "maxProperties": MAX_METADATA,
    "propertyNames": {"maxLength": MAX_METADATA_KEY},
    "additionalProperties": text(maxLength=MAX_METADATA_VALUE),
}
_ADDED: Final = array(ref("InputItem"), "Messages, calls, results.", maxItems=MAX_ADDED)
_CONVERSATION: Final = whole(
    {
        "id": text(pattern="^conv_"),
        "object": {"const": "conversation"},
        "created_at": integer("Unix seconds."),
        "metadata": record(),
    }
)
_SCHEMAS: Final[dict[str, Schema]] = {
    "Conversation": _CONVERSATION,
    "ConversationItem": record(
        {"id": text(), "type": text()}, "An item of a conversation.", required=("id", "type")
    ),
    "ConversationItems": page_of(ref("ConversationItem")),
}
_GOT: Final = (*KEYED, 404, 503)
_CHANGED: Final = (*WITH_BODY, 404)
_ONE: Final = in_path("conversation_id", "The id of a conversation.")
_ITEM: Final = in_path("item_id", "The id of an item of it.")


CONVERSATIONS: Final = Family(
    name="Conversations",
    about="OpenAI's Conversations: items that responses go on from, and are added to.",
    paths={
        "/v1/conversations": {
            "post": operation(
                "createConversation",
                "Make a conversation.",
                json_answer(ref("Conversation")),
                (*WITH_BODY, 404, 429, 502, 504),
                body=json_body(record({"items": nullable(_ADDED), "metadata": nullable(_METADATA)})),
            )
        },
        "/v1/conversations/{conversation_id}": {
            "get": operation(
                "getConversation",
                "A conversation without its items.",
                json_answer(ref("Conversation")),
                _GOT,
                parameters=(_ONE,),
            ),
            "post": operation(
                "updateConversation",
                "Give a conversation other metadata.",
                json_answer(ref("Conversation")),
                _CHANGED,
                parameters=(_ONE,),
                body=json_body(record({"metadata": nullable(_METADATA)}, required=("metadata",))),
            ),
            "delete": operation(
                "deleteConversation",
                "Forget a conversation and its items.",
                json_answer(
                    whole(
                        {
                            "id": text(),
                            "object": {"const": "conversation.deleted"},
                            "deleted": {"const": True},
                        }
                    )
                ),
                _GOT,
                parameters=(_ONE,),
            ),
        },
        "/v1/conversations/{conversation_id}/items": {
            "get": operation(
                "listConversationItems",
                "Items of a conversation.",
                json_answer(ref("ConversationItems")),
                _GOT,
                parameters=(_ONE, *IN_PAGES),
            ),
            "post": operation(
                "createConversationItems",
                "Add items to a conversation.",
                json_answer(ref("ConversationItems")),
                _CHANGED,
                parameters=(_ONE,),
                body=json_body(record({"items": _ADDED}, required=("items",))),
            ),
        },
        "/v1/conversations/{conversation_id}/items/{item_id}": {
            "get": operation(
                "getConversationItem",
                "An item of a conversation.",
                json_answer(ref("ConversationItem")),
                _GOT,
                parameters=(_ONE, _ITEM),
            ),
            "delete": operation(
                "deleteConversationItem",
                "Forget an item; gives its conversation.",
                json_answer(ref("Conversation")),
                _GOT,
                parameters=(_ONE, _ITEM),
            ),
        },
    },
    schemas=_SCHEMAS,
)
