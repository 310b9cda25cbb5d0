"""`POST /v1/images/generations`, `/v1/images/edits` and `/v1/images/variations`.

The backend has no such interface: a model that draws is asked in words, and its pictures are taken out
of its answer.
"""

import re
import time
from collections.abc import Mapping
from typing import Final

from handlers.answer import AnswerHandler, AnswerParts
from handlers.body import AnyBody
from handlers.continuing import CONVERSATION_HEADER, NEW
from media import Content, MediaError, MediaReader
from translate import Options
from translate.openai import (
    MAX_ATTACHMENTS,
    Form,
    FormBody,
    ImageRequest,
    ImagesAnswer,
    JsonBody,
    instruction,
    nothing_drawn,
    read_fields,
)
from translate.values import PICTURE, ApiError, Attachment, BadRequest, ChatMessage, RateLimited
from turns import Prompt, TurnRequest, as_part_error

DRAWING: Final = "image_gen"
"""The backend's name of what it counts pictures under."""
NUMBER: Final = re.compile(r"[0-9]{1,9}")


class DrawingHandler(AnswerHandler[AnyBody]):
    """Pictures from a request in any form."""

    route = "images"

    def initialize(self, parts: AnswerParts, reader: MediaReader) -> None:
        """`parts` are those of every answer, `reader` reads the pictures of forms."""
        self.parts = parts
        self.reader = reader

    async def draw(
        self, request: ImageRequest, sources: Mapping[Attachment, Content], masked: bool = False
    ) -> None:
        """Serve `request`, with pictures to start from; the last one may be a mask. Raises ApiError."""
        model = await self.resolve(request.model)
        self.set_header(CONVERSATION_HEADER, NEW)
        self.check_limits(self.caller, model, (DRAWING,))
        message = ChatMessage("user", instruction(request, len(sources), masked=masked), tuple(sources))
        turn = TurnRequest(
            self.caller,
            Prompt(model, [message], sources, hints=(PICTURE,)),
            Options(),
            self.public_base(),
            inline_pictures=self.hold() if request.response_format == "b64_json" else None,
            trace=self.trace,
        )
        format = ImagesAnswer(int(time.time()), request.n)
        await self.respond(self.parts.turns.drawing(turn, format, request.n, self._nothing_drawn), format)

    def _nothing_drawn(self, words: str) -> ApiError:
        """The error for an answer in words; where they name a limit and no wait, the backend may have."""
        error = nothing_drawn(words)
        if isinstance(error, RateLimited) and error.retry_after is None:
            error.retry_after = self.common.charges.feature_wait(self.caller, DRAWING)
        return error


class ImagesHandler(DrawingHandler[JsonBody]):
    """Pictures from a prompt."""

    def new_body(self) -> JsonBody:
        """JSON."""
        return JsonBody()

    async def post(self) -> None:
        """Draw from a prompt. Raises ApiError."""
        await self.draw(read_fields(await self.parsed(JsonBody.read_object)), {})


class ImageFormHandler(DrawingHandler[FormBody]):
    """A request with pictures in a form (`multipart/form-data`)."""

    content_type = "multipart/form-data"
    prompt_required = True

    def new_body(self) -> FormBody:
        """A form, with the boundary that the headers name."""
        return FormBody(self.request.headers.get("Content-Type", ""))

    async def post(self) -> None:
        """Draw from pictures. Raises ApiError."""
        form = await self.parsed(FormBody.read_form)
        request = read_fields(_typed(form.fields), prompt_required=self.prompt_required)
        await self.draw(request, await self._sources(form), masked="mask" in form.files)

    async def _sources(self, form: Form) -> dict[Attachment, Content]:
        """The pictures of the form, the mask last. Raises ApiError."""
        pictures = [*form.files.get("image", ()), *form.files.get("image[]", ())][:MAX_ATTACHMENTS]
        if not pictures:
            raise BadRequest("The form must bring a file in the field 'image'.", param="image")
        masks = form.files.get("mask", [])[:1]
        sources = {}
        for index, file in enumerate([*pictures, *masks]):
            param = f"image.[{index}]" if index < len(pictures) else "mask"
            try:
                content = await self.reader.picture_in(file.data)
            except MediaError as error:
                raise as_part_error(error, param) from None
            sources[Attachment("image", "", file.name, param)] = content
        return sources


class VariationsHandler(ImageFormHandler):
    """Variations of a picture; there is no prompt."""

    prompt_required = False


def _typed(fields: dict[str, str]) -> dict[str, object]:
    """Form fields are text; `n` is a number, of few digits if it is one that is taken."""
    typed: dict[str, object] = dict(fields)
    if NUMBER.fullmatch(n := fields.get("n", "")):
        typed["n"] = int(n)
    return typed
