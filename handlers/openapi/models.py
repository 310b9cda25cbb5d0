"""Models, and the search of the store of GPTs."""

from typing import Final

from handlers.gpts import MAX_QUERY
from handlers.openapi.operations import (
    ADMITTED,
    EITHER,
    KEYED,
    Family,
    in_header,
    in_path,
    in_query,
    json_answer,
    operation,
    read_only,
)
from handlers.openapi.schemas import Schema, array, boolean, either, integer, nullable, ref, text, whole
from translate.values import BUILT_IN

_MODEL: Final = whole(
    {
        "id": text(),
        "object": {"type": "string", "enum": ["model"]},
        "created": integer("Unix seconds."),
        "owned_by": text(),
        "name": text("What people call it."),
        "context_window": integer("Tokens that it reads."),
        "max_context_length": integer("The same."),
        "reasoning_efforts": array(text()),
    },
    "A model, as OpenAI describes it.",
    without=("name", "context_window", "max_context_length", "reasoning_efforts"),
)
_ANTHROPIC_MODEL: Final = whole(
    {
        "type": {"const": "model"},
        "id": text(),
        "display_name": text(),
        "created_at": text("RFC 3339."),
        "lifecycle": {"const": "active"},
        "max_input_tokens": nullable(integer()),
    },
    "A model, as Anthropic describes it.",
)
_SCHEMAS: Final[dict[str, Schema]] = {
    "Model": _MODEL,
    "ModelList": whole({"object": {"type": "string", "enum": ["list"]}, "data": array(ref("Model"))}),
    "AnthropicModel": _ANTHROPIC_MODEL,
    "AnthropicModelList": whole(
        {
            "data": array(ref("AnthropicModel")),
            "has_more": boolean(),
            "first_id": nullable(text()),
            "last_id": nullable(text()),
        }
    ),
}
_VERSION: Final = in_header("anthropic-version", "Whoever sends it gets Anthropic's shape, else OpenAI's.")

MODELS: Final = Family(
    name="Models",
    about="The models that the key may use.",
    paths={
        "/v1/models": read_only(
            operation(
                "listModels",
                "All models.",
                json_answer(either(ref("ModelList"), ref("AnthropicModelList"))),
                KEYED,
                api=EITHER,
                parameters=(_VERSION,),
            )
        ),
        "/v1/models/{model}": read_only(
            operation(
                "getModel",
                "One model, by its name or another one that stands for it.",
                json_answer(either(ref("Model"), ref("AnthropicModel"))),
                (*KEYED, 404),
                api=EITHER,
                parameters=(
                    in_path(
                        "model", "The name; it may hold slashes.", minLength=1, examples=[BUILT_IN[0].name]
                    ),
                    _VERSION,
                ),
            )
        ),
    },
    schemas=_SCHEMAS,
)
GPTS: Final = Family(
    name="GPTs",
    about="The store of GPTs.",
    paths={
        "/v1/gpts/search": {
            "get": operation(
                "searchGpts",
                "Search the store.",
                json_answer(
                    whole(
                        {
                            "object": {"const": "list"},
                            "data": array(
                                whole(
                                    {
                                        "id": text("The name under which it can be used as a model."),
                                        "object": {"const": "model"},
                                        "name": text(),
                                        "description": text(),
                                    }
                                )
                            ),
                            "cursor": nullable(text("What to ask for the next page with.")),
                        }
                    )
                ),
                (*ADMITTED, 403, 404),
                parameters=(
                    in_query("q", text(pattern=r"[^\x00-\x20]", maxLength=MAX_QUERY), required=True),
                    in_query("cursor", text(maxLength=MAX_QUERY)),
                ),
            )
        }
    },
    schemas={},
)
