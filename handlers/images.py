"""``POST /v1/images/generations``, ``/v1/images/edits`` and ``/v1/images/variations``.

The backend has no such interface: a model that draws is asked in words, and its pictures are taken out
of its answer. One conversation may bring fewer pictures than were asked for; then another one is held.
"""

import asyncio
import base64
import time
import uuid
from collections.abc import Mapping

from tornado.httputil import HTTPFile, parse_multipart_form_data

from handlers.base import BodyHandler
from handlers.service import Service, new_id
from media import Content, MediaError
from metrics import Outcome
from translate.backend.content import Asset
from translate.backend.payload import PostedConversation, Uploaded, conversation
from translate.conversation import Turn
from translate.openai.chat import WholeWriter
from translate.openai.images import (
    Drawn,
    ImageRequest,
    answer,
    instruction,
    nothing_drawn,
    read_fields,
    read_generation,
)
from translate.openai.request import MAX_ATTACHMENTS
from translate.values import ApiError, Attachment, BadRequest, ChatMessage, Model, UnsupportedMediaType
from turns.assets import Assets
from turns.attachments import as_bad_part, upload
from turns.failures import outcome_of
from turns.runner import Dialogue


class Gallery(Assets):
    """Assets that are kept for the answer, with their bytes where those are asked for."""

    def __init__(self, service: Service, key: str, base_url: str, *, as_bytes: bool) -> None:
        super().__init__(service, key, base_url)
        self.drawn: list[Drawn] = []
        self._as_bytes = as_bytes

    async def picture(self, asset: Asset) -> str | None:
        if self._as_bytes:
            data = await self.picture_bytes(asset)
            if data is None:
                return None
            encoded = await asyncio.to_thread(base64.b64encode, data)
            self.drawn.append(Drawn("", encoded.decode(), asset.alt))
            return "inline"
        address = await super().picture(asset)
        if address is not None:
            self.drawn.append(Drawn(address, "", asset.alt))
        return address


class Drawing:
    """One image request being served; it may take several conversations."""

    def __init__(self, handler: BodyHandler, request: ImageRequest, model: Model) -> None:
        self._handler = handler
        self._request = request
        self._model = model
        self._dialogue: Dialogue | None = None
        self._stopped: ApiError | None = None
        self.gone = False

    def stop(self, error: ApiError) -> None:
        """End it with ``error``."""
        self._stopped = error
        if self._dialogue is not None:
            self._dialogue.stop(error)

    def client_gone(self) -> None:
        """Nobody waits for the pictures any more."""
        self.gone = True
        if self._dialogue is not None:
            self._dialogue.stop()

    async def run(self, text: str, sources: Mapping[Attachment, Content]) -> list[Drawn]:
        """The pictures, at least one. Raises ApiError; gives an empty list when the client left."""
        drawn: list[Drawn] = []
        message = ChatMessage("user", text, tuple(sources))
        for _ in range(self._request.n):
            gallery, words, error = await self._converse(message, sources)
            if self.gone:
                return []
            drawn += gallery.drawn
            if error is not None and not drawn:
                raise error
            if not drawn:
                raise nothing_drawn(words)
            if error is not None or not gallery.drawn or len(drawn) >= self._request.n:
                break
        return drawn[: self._request.n]

    async def _converse(
        self, message: ChatMessage, sources: Mapping[Attachment, Content]
    ) -> tuple[Gallery, str, ApiError | None]:
        handler = self._handler
        service, key = handler.service, handler.caller_key
        gallery = Gallery(
            service, key, handler.public_base(), as_bytes=self._request.response_format == "b64_json"
        )
        writer = WholeWriter(id=f"img-{uuid.uuid4().hex}", created=0, model=self._model.name)
        dialogue = self._dialogue = Dialogue(service, key, self._model, Turn(writer, links=gallery), gallery)

        async def prepare() -> PostedConversation:
            uploads: dict[Attachment, Uploaded] = {
                attachment: await upload(service, key, attachment, content)
                for attachment, content in sources.items()
            }
            temporary = service.settings.history == "temporary"
            dialogue.model = await service.describe(self._model, key)
            return conversation(dialogue.model, [message], new_id, uploads=uploads, temporary=temporary)

        if self._stopped is not None or self.gone:
            dialogue.stop(self._stopped)
        await dialogue.run(prepare, _nothing)
        handler.charge(dialogue.units, dialogue.turn.usage)
        return gallery, writer.answer, dialogue.error


async def _nothing(_out: bytes) -> None:
    """A whole answer is not written piece by piece."""


class ImagesHandler(BodyHandler):
    """Pictures from a prompt."""

    route = "images"
    drawing: Drawing | None = None
    client_left = False

    async def post(self) -> None:
        await self.draw(read_generation(self.body()), {})

    async def draw(
        self, request: ImageRequest, sources: Mapping[Attachment, Content], masked: bool = False
    ) -> None:
        """Serve ``request``, with pictures to start from."""
        service = self.service
        model = service.catalogue.resolve(request.model)
        self.may_spend(model)
        self.drawing = Drawing(self, request, model)
        self.drawing.gone = self.client_left
        text = instruction(request, len(sources), masked=masked)
        with service.admit(self.drawing, self.route):
            try:
                drawn = await self.drawing.run(text, sources)
            except ApiError as error:
                self.outcome = outcome_of(error)
                raise
        if self.drawing.gone:
            self.outcome = Outcome.CLIENT_GONE
        else:
            self.send_json(answer(drawn, int(time.time())))

    def on_connection_close(self) -> None:
        super().on_connection_close()
        self.client_left = True
        if self.drawing is not None:
            self.drawing.client_gone()


class ImageFormHandler(ImagesHandler):
    """A request with pictures in a form (``multipart/form-data``)."""

    content_type = "multipart/form-data"
    prompt_required = True

    async def post(self) -> None:
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
                content = await self.service.reader.picture_in(bytes(file.body))
            except MediaError as error:
                raise as_bad_part(error, param) from None
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
    """Form fields are text; ``n`` is a number."""
    typed: dict[str, object] = dict(fields)
    if (n := fields.get("n", "")).isascii() and n.isdigit():
        typed["n"] = int(n)
    return typed
