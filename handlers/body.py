"""Handlers that read a body: what is kept of it while it arrives, and when it is refused."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, Generic, Protocol, TypeVar

from tornado.httputil import HTTPServerRequest
from tornado.web import Application

from access import KeyVerdict
from accounts import Caller
from catalogue import CallerModels
from handlers.base import ApiHandler
from runtime import COMPUTING, DECODED, DECODED_BYTES, ZSTD, Decoder, ZstdDecoder
from translate.values import ApiError, BadRequest, Overloaded, TooLarge, UnsupportedMediaType

LENGTH: Final = re.compile(r"[0-9]{1,15}")
RETRY_AFTER: Final = 2.0
"""Seconds after which a client for whose body there was no room may try again."""
YIELD_BYTES: Final = 256 * 1024
"""After so many bytes of a body that came without a pause, other requests have their turn."""
CODINGS: Final = (*DECODED, ZSTD)
NOT_CODED: Final = "The body is not whole, or not in the coding that its Content-Encoding names."
LARGE_BODY: Final = 1 << 20
"""Bytes from which on bodies are parsed one at a time: the largest take some 50 ms each."""
LARGE_BODY_PAUSE: Final = 0.03
"""Seconds for other requests between two of them."""


class Body(Protocol):
    """What is kept of a request's body while it arrives."""

    def feed(self, piece: bytes) -> None:
        """Take the next piece. Raises ApiError if the body is not wanted."""
        ...

    def clear(self) -> None:
        """Keep nothing."""
        ...


AnyBody = TypeVar("AnyBody", bound=Body)
Parsed = TypeVar("Parsed")


class BodyHandler(ApiHandler, Generic[AnyBody]):
    """A handler that reads a body within the limits.

    A request is refused only after its whole body was read: most clients send all of it before they read, and
    a connection that is closed in mid-body loses the response. Of a refused body nothing is kept. A client
    that waits for leave to send the body reads first, and is refused at once.
    """

    # Those of `RequestHandler` stay in a dictionary; with more than 30 in there, it is six times as large.
    __slots__ = (
        "_begun",
        "_body",
        "_decoder",
        "_refusal",
        "_size",
        "_whole_at",
        "_window",
        "caller",
        "reservation",
    )

    content_type = "application/json"
    """What the body must be, if it says what it is."""
    caller: Caller
    """Who asks; known once `whole_body` has given the body."""

    def __init__(self, application: Application, request: HTTPServerRequest, **parts: Any) -> None:
        """`parts` are what the route gives to `initialize`."""
        super().__init__(application, request, **parts)
        self._body = self.new_body()
        self._size = 0
        self._begun = False
        self._whole_at = 0.0
        self._refusal: ApiError | None = None
        self._decoder: Decoder | ZstdDecoder | None = None
        self._window = 0
        self.reservation = self.common.bodies.hold()

    def prepare(self) -> None:
        """Look at the headers: what is not wanted, or finds no room, is refused before it is read."""
        super().prepare()
        try:
            self.check_head()
        except ApiError as error:
            self._refuse(error)

    def check_head(self) -> None:
        """Raise an ApiError: no key, another type, too large, no room for it."""
        super().check_head()
        if self.request.method == "POST":
            self.caller = self.read_caller()
            self.common.doorkeeper.check_key(self.caller)
            self._check_type()
            self._check_coding()
            length = self.request.headers.get("Content-Length", "")
            self._check_size(int(length) if LENGTH.fullmatch(length) else 0)

    @property
    def wanted(self) -> bool:
        """The headers are those of a request that may be answered."""
        return self.request.method == "POST" and self._refusal is None

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Keep a piece of the body, if it is still wanted. Tornado awaits what is returned."""
        if self._decoder is not None:
            return self._decode(self._decoder, chunk)
        before, self._size = self._size, self._size + len(chunk)
        if self._refusal is None:
            try:
                self._take(chunk)
            except ApiError as error:
                self._refuse(error)
        return asyncio.sleep(0) if self._size // YIELD_BYTES > before // YIELD_BYTES else None

    @property
    def body_bytes(self) -> int:
        """How long the body is without its coding, as far as it has come."""
        return self._size

    @property
    def since_whole(self) -> float:
        """Seconds since the whole body was there; call it after `whole_body`."""
        return time.monotonic() - self._whole_at

    def new_body(self) -> AnyBody:
        """What the body of this request is kept in."""
        raise NotImplementedError

    def whole_body(self) -> AnyBody:
        """The whole body. Raises ApiError: no key, another type, too large, no room for it."""
        if not self._begun:
            self._begun, self._whole_at = True, time.monotonic()
        if self._refusal is not None:
            raise self._refusal
        if self._decoder is not None and not self._decoder.ended:
            raise BadRequest(NOT_CODED)
        return self._body

    async def parsed(self, parse: Callable[[AnyBody], Parsed]) -> Parsed:
        """What `parse` makes of the whole body. Between two large bodies, other requests have their turn.

        Raises ApiError: as `whole_body` and `parse` do.
        """
        body = self.whole_body()
        if self._size < LARGE_BODY:
            return parse(body)
        async with self.common.large_bodies:
            try:
                return parse(body)
            finally:
                await asyncio.sleep(LARGE_BODY_PAUSE)

    async def prove_key(self, models: CallerModels) -> None:
        """Let a caller in whose request is not for the backend: a key that was not seen before is shown to
        it, if it lists models. Raises ApiError.
        """
        with self.let_in(self.caller) as visit:
            if models.waits_for_list(self.caller):
                listed = await models.wait_for_list(self.caller)
                visit.verdict = KeyVerdict.NOTHING if listed else KeyVerdict.DOUBTFUL

    def on_connection_close(self) -> None:
        """The client left, perhaps in mid-body; Tornado calls this once."""
        super().on_connection_close()
        if not self._begun:
            self._drop()
            asyncio.get_running_loop().call_soon(self._end_unfinished)

    def on_finish(self) -> None:
        """The response is over."""
        super().on_finish()
        self._drop()
        self._refusal = None  # its traceback refers back to this handler

    def _end_unfinished(self) -> None:
        """End a request whose body never came whole: Tornado leaves it to the garbage collector, which runs
        late.
        """
        if not self._begun:
            del self.request

    async def _decode(self, decoder: Decoder | ZstdDecoder, chunk: bytes) -> None:
        """Keep what a piece of the body stands for, as long as the body is wanted. What may be much is
        decoded beside the event loop.
        """
        pieces = decoder.decode(chunk)
        try:
            piece = next(pieces, b"")
            while piece and self._decoder is not None:
                self._size += len(piece)
                self._take(piece)
                if len(piece) < DECODED_BYTES:
                    return
                piece = await COMPUTING.run(next, pieces, b"")
        except ValueError:
            self._refuse(BadRequest(NOT_CODED))
        except ApiError as error:
            self._refuse(error)
        finally:
            if decoder.ended and self._window:
                self._window = 0
                self.reservation.shrink_to(self._size)

    def _take(self, piece: bytes) -> None:
        """Keep a piece of the body, with which it has its size now."""
        self._check_size(self._size)
        self._body.feed(piece)

    def _check_size(self, size: int) -> None:
        limit = self.common.max_body_bytes
        if size > limit:
            raise TooLarge(f"The request body exceeds the limit of {limit} bytes.")
        if not self.reservation.try_grow_to(size + self._window):
            self.common.metrics.rejected("bodies")
            raise Overloaded(
                "Too many large requests are being read at once. Nothing was spent; try again.",
                retry_after=RETRY_AFTER,
                should_retry=True,
            )

    def _take_window(self, size: int) -> None:
        """Hold what the decoder remembers beside the body."""
        self._window = size
        self._check_size(self._size)

    def _refuse(self, error: ApiError) -> None:
        self._refusal = error.with_traceback(None)
        self._drop()

    def _drop(self) -> None:
        self._body.clear()
        self._decoder = None
        self.reservation.release()

    def _check_type(self) -> None:
        content_type = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        wanted = self.content_type
        plus_json = wanted == "application/json" and content_type.endswith("+json")
        if content_type and content_type != wanted and not plus_json:
            raise UnsupportedMediaType(f"The Content-Type must be {wanted}.")

    def _check_coding(self) -> None:
        coding = self.request.headers.get("Content-Encoding", "").strip().lower()
        if coding in DECODED:
            self._decoder = Decoder()
        elif coding == ZSTD:
            self._decoder = ZstdDecoder(self._take_window)
        elif coding not in ("", "identity"):
            raise UnsupportedMediaType(f"The Content-Encoding must be one of {', '.join(CODINGS)}, or none.")
