"""`POST /v1/images/generations`, `/v1/images/edits` and `/v1/images/variations`.

The backend has no such interface: a model that draws is asked in words, and its pictures are taken out
of its answer.
"""

import asyncio
import time
from collections.abc import Mapping

from tornado.httputil import HTTPFile, parse_multipart_form_data

from handlers.answer import AnswerHandler, AnswerParts
from media import Content, MediaError, MediaReader
from translate import Options
from translate.openai import (
    MAX_ATTACHMENTS,
    ImageRequest,
    ImagesAnswer,
    instruction,
    nothing_drawn,
    read_fields,
    read_generation,
)
from translate.values import Attachment, BadRequest, ChatMessage, UnsupportedMediaType
from turns import Prompt, TurnRequest, as_part_error


class ImagesHandler(AnswerHandler):
    """Pictures from a prompt."""

    route = "images"

    def initialize(self, parts: AnswerParts, reader: MediaReader) -> None:
        """`parts` are those of every answer, `reader` reads the pictures of forms."""
        self.parts = parts
        self.reader = reader

    async def post(self) -> None:
        """Draw from a prompt. Raises ApiError."""
        await self.draw(read_generation(self.body()), {})

    async def draw(
        self, request: ImageRequest, sources: Mapping[Attachment, Content], masked: bool = False
    ) -> None:
        """Serve `request`, with pictures to start from; the last one may be a mask. Raises ApiError."""
        model = self.parts.catalogue.resolve(request.model)
        self.check_limits(self.caller, model)
        message = ChatMessage("user", instruction(request, len(sources), masked=masked), tuple(sources))
        turn = TurnRequest(
            self.caller,
            Prompt(model, [message], sources),
            Options(),
            self.public_base(),
            pictures_as_bytes=request.response_format == "b64_json",
        )
        format = ImagesAnswer(int(time.time()), request.n)
        await self.respond(self.parts.turns.drawing(turn, format, request.n, nothing_drawn), format)


class ImageFormHandler(ImagesHandler):
    """A request with pictures in a form (`multipart/form-data`)."""

    content_type = "multipart/form-data"
    prompt_required = True

    async def post(self) -> None:
        """Draw from pictures. Raises ApiError."""
        arguments: dict[str, list[bytes]] = {}
        files: dict[str, list[HTTPFile]] = {}
        boundary = _boundary(self.request.headers.get("Content-Type", ""))
        await asyncio.to_thread(parse_multipart_form_data, boundary, self.body(), arguments, files)
        fields = {name: values[-1].decode("utf-8", "replace") for name, values in arguments.items() if values}
        request = read_fields(_typed(fields), prompt_required=self.prompt_required)
        pictures = [*files.get("image", ()), *files.get("image[]", ())][:MAX_ATTACHMENTS]
        if not pictures:
            raise BadRequest("The form must bring a file in the field 'image'.", param="image")
        masks = files.get("mask", [])[:1]
        sources = {}
        for index, file in enumerate([*pictures, *masks]):
            param = f"image.[{index}]" if index < len(pictures) else "mask"
            try:
                content = await self.reader.picture_in(bytes(file.body))
            except MediaError as error:
                raise as_part_error(error, param) from None
            sources[Attachment("image", "", file.filename or "", param)] = content
        await self.draw(request, sources, masked=bool(masks))


class VariationsHandler(ImageFormHandler):
    """Variations of a picture; there is no prompt."""

    prompt_required = False


def _boundary(content_type: str) -> bytes:
    for field in content_type.split(";")[1:]:
        name, _, value = field.strip().partition("=")
        if name.lower() == "boundary" and value:
            return value.strip('"').encode("latin-1")
    raise UnsupportedMediaType("The form has no boundary.")


def _typed(fields: dict[str, str]) -> dict[str, object]:
    """Form fields are text; `n` is a number."""
    typed: dict[str, object] = dict(fields)
    if (n := fields.get("n", "")).isascii() and n.isdigit():
        typed["n"] = int(n)
    return typed
