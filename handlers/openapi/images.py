"""Pictures."""

from typing import Final

from handlers.openapi.operations import (
    CONVERSATION,
    CONVERSING,
    JSON,
    Family,
    Operation,
    answer,
    binary,
    form_body,
    json_body,
    operation,
)
from handlers.openapi.schemas import Schema, array, integer, nullable, record, ref, text, whole
from translate.openai import MAX_IMAGE_PROMPT, MAX_IMAGES
from translate.values import JsonObject

_PROMPT: Final = text(minLength=1, maxLength=MAX_IMAGE_PROMPT)
_SIZE: Final = text(
    "`auto`, or width and height, which are a hint.", pattern="^(auto|[1-9][0-9]{1,4}x[1-9][0-9]{1,4})$"
)
_FORMAT: Final = text("Where the pictures are: behind a link, or in the answer.", enum=["url", "b64_json"])
_NUMBER: Final = integer(minimum=1, maximum=MAX_IMAGES)
_REQUEST: Final = record(
    {
        "prompt": _PROMPT,
        "model": nullable(text()),
        "n": nullable(_NUMBER),
        "size": nullable(_SIZE),
        "response_format": nullable(_FORMAT),
    },
    "Unknown fields are ignored.",
    required=("prompt",),
)
_FORM: Final[dict[str, Schema]] = {
    "image": binary("A picture; several are in fields `image[]`."),
    "model": text(),
    "n": _NUMBER,
    "size": _SIZE,
    "response_format": _FORMAT,
}
_PICTURE: Final = record({"url": text(), "b64_json": text(), "revised_prompt": text()})


def _drawing(id: str, summary: str, body: JsonObject) -> Operation:
    """A way of asking for pictures."""
    pictures = {200: answer("The pictures.", {JSON: ref("Images")}, CONVERSATION)}
    return operation(id, summary, pictures, CONVERSING, body=body)


IMAGES: Final = Family(
    name="Images",
    about="Pictures: a model that draws is asked in words.",
    paths={
        "/v1/images/generations": {
            "post": _drawing("createImage", "Draw from a prompt.", json_body(ref("ImageRequest")))
        },
        "/v1/images/edits": {
            "post": _drawing(
                "editImage",
                "Draw from a prompt and pictures.",
                form_body(
                    record(
                        {**_FORM, "prompt": _PROMPT, "mask": binary("What may be changed.")},
                        required=("image", "prompt"),
                    )
                ),
            )
        },
        "/v1/images/variations": {
            "post": _drawing(
                "varyImage", "Draw variations of a picture.", form_body(record(_FORM, required=("image",)))
            )
        },
    },
    schemas={
        "ImageRequest": _REQUEST,
        "Images": whole({"created": integer("Unix seconds."), "data": array(_PICTURE)}),
    },
)
