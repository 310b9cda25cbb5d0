"""What every response has in common: request id, CORS, the error shape, one log line, one outcome."""

import asyncio
import logging
import re
import secrets
import time
from collections.abc import Awaitable, Collection
from dataclasses import dataclass, field
from typing import Any, Final

import tornado.web
from tornado.httputil import HTTPServerRequest
from tornado.iostream import IOStream, StreamClosedError
from tornado.util import ObjectDict
from tornado.web import RequestHandler

from access import Admin, Doorkeeper, Origin, Visit
from accounts import Caller
from activity import Activity
from handlers.traced import request_end
from ledger import ChargeBook
from logs import Failure, RecentFailures
from metrics import CONVERSATION_ROUTES, Metrics, Outcome
from pool import Pool
from runtime import ByteBudget
from tracing import RequestTrace, Tracer
from translate.openai import envelope
from translate.values import (
    ApiError,
    BadRequest,
    InternalError,
    MethodNotAllowed,
    Model,
    NotFound,
    Unauthorized,
)
from turns import TurnOutcome, need_of_model

log = logging.getLogger("pandora")

EXPOSED: Final = (
    "x-request-id, request-id, openai-processing-ms, retry-after, retry-after-ms, x-should-retry, "
    "x-ratelimit-limit-requests, x-ratelimit-remaining-requests, x-ratelimit-reset-requests, "
    "x-ratelimit-limit-units, x-ratelimit-remaining-units, x-ratelimit-reset-units, x-model-resolved, "
    "x-conversation, x-side-request, x-units"
)
SENT_WITH_STREAMS: Final = (
    "Content-Type", "Date", "x-request-id", "openai-version", "openai-processing-ms", "x-model-resolved",
    "x-conversation", "x-side-request",
    "Access-Control-Allow-Origin", "Access-Control-Expose-Headers", "Cache-Control", "X-Accel-Buffering",
)  # fmt: skip
"""Headers of each stream."""
HEADER_NAMES: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~ ,-]{1,4000}")
KEY_HEADERS: Final = ("x-api-key", "api-key")
"""Where Anthropic's SDKs and clients of Azure send the key; a bearer token counts first."""
ACCOUNT_HEADER: Final = "ChatGPT-Account-ID"
PARENT_HEADER: Final = "traceparent"
"""The trace that the client is in, by W3C Trace Context."""
KEY: Final = re.compile(r"[\x21-\x7e]{1,8192}")
OUTCOMES: Final = {429: Outcome.REJECTED, 500: Outcome.ERROR, 503: Outcome.REJECTED}
"""Outcomes of error responses without an exchange with the backend; others are the caller's fault."""
NO_TEMPLATES: Final = ObjectDict()
"""What handlers have for templates, of which there are none."""
QUIET_ROUTES: Final = ("probe", "console")
"""Asked every few seconds by programs: their lines are logged at debug level."""


@dataclass(frozen=True, slots=True)
class Common:
    """What every handler works with.

    `public_base` is where users reach this service, empty for the address that they have used.
    `cors_origin` is the web origin that may call from a browser. `write_timeout` is how many seconds a
    client may take to read, `max_body_bytes` the limit of one body and `bodies` that of all together. `room`
    is for the bytes of pictures and files that the service makes or fetches. Who has `large_bodies` may parse
    a large body. `tracer` traces requests, if they are traced.
    """

    metrics: Metrics
    charges: ChargeBook
    doorkeeper: Doorkeeper
    pool: Pool
    failures: RecentFailures
    activity: Activity
    cors_origin: str
    public_base: str
    write_timeout: float
    max_body_bytes: int
    bodies: ByteBudget
    room: ByteBudget
    large_bodies: asyncio.Lock = field(default_factory=asyncio.Lock)
    tracer: Tracer | None = None


@tornado.web.stream_request_body
class ApiHandler(RequestHandler):
    """Base of all handlers. `route` names the route in logs and metrics.

    Bodies arrive in pieces, and by default none is kept: Tornado would hold up to 2 GiB of each in
    memory, for any path and without a key.
    """

    route = "other"
    methods: tuple[str, ...] = ()
    """Those of HTTP that it has; set for each class when that is defined."""
    cross_origin = False
    """Pages of other sites may read the responses; said by the route table."""
    request_id = ""
    outcome: Outcome | None = None
    failure: ApiError | None = None
    """The error that the client got, or would have got."""
    turn: TurnOutcome | None = None
    """How the turn of this request ended, if it had one."""
    model_name = ""
    asked_model = ""
    """The name that was asked for where there is no such model, if it can be shown."""
    ttft: float | None = None
    """Seconds until the first content of a stream was written."""
    unread = False
    """It is answered before its body, which the client has not sent and does not send any more."""
    answered_by = ""
    """The backend's name of the model that answers, once the backend has said it."""
    key_name = ""
    """The name of the key of this service that asks, or of any key whose conversation begins."""
    side = ""
    """The client and the task of a side request; empty for a person's own request."""
    trace: RequestTrace | None = None
    """The trace of this request, if it is traced."""
    conversing: tuple[Caller, Model] | None = None
    """The caller and the model of the conversation, once known; the headers show their limits."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        names = ((name, name.lower()) for name in cls.SUPPORTED_METHODS)
        cls.methods = tuple(n for n, own in names if getattr(cls, own) is not getattr(RequestHandler, own))

    def __init__(
        self,
        application: tornado.web.Application,
        request: HTTPServerRequest,
        *,
        cross_origin: bool = False,
        **parts: Any,
    ) -> None:
        self.cross_origin = cross_origin  # Tornado sets the first headers before it calls `initialize`
        super().__init__(application, request, **parts)
        self.ui = NO_TEMPLATES  # Tornado's would refer back to this handler
        if (tracer := self.common.tracer) is not None and self.route not in QUIET_ROUTES:
            self.trace = tracer.begin(
                request_id=self.request_id,
                method=request.method or "",
                route=self.route,
                parent=request.headers.get(PARENT_HEADER, ""),
            )

    @property
    def common(self) -> Common:
        """What every handler works with."""
        common: Common = self.application.settings["common"]
        return common

    def set_default_headers(self) -> None:
        """Headers of every response. Tornado calls it first of all, and again before an error is sent."""
        if not self.request_id:
            self.request_id = "req_" + secrets.token_hex(16)
            self.started = time.monotonic()
        self.clear_header("Server")
        self.set_header("Content-Type", "application/json")
        self.set_header("x-request-id", self.request_id)
        self.set_header("openai-version", "2020-10-01")
        if self.cross_origin:
            self.set_header("Access-Control-Allow-Origin", self.common.cors_origin)
            self.set_header("Access-Control-Expose-Headers", EXPOSED)

    def prepare(self) -> None:
        """Tornado calls it before the body comes. Who waits for leave to send it is refused now."""
        if "Expect" in self.request.headers:  # the front door has left it to those who wait
            self.unread = True
            self.check_head()
            self.unread = False

    def check_head(self) -> None:
        """Raise an ApiError for what is refused whatever the body holds."""
        if self.request.method not in self.methods:
            raise self._not_allowed()

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Drop a piece of the body."""
        return None

    def options(self, *_args: str) -> None:
        """Preflight: browsers ask it without a key, on any path; it permits what the route does."""
        if self.cross_origin:
            self._permit()
        self.clear_header("Content-Type")
        self.set_status(204)

    def compute_etag(self) -> None:
        """No ETag: nothing here is worth a conditional request."""

    def read_key(self) -> str:
        """The key of the request, whatever it is good for. Raises Unauthorized: there is none."""
        headers = self.request.headers
        scheme, _, token = headers.get("Authorization", "").strip().partition(" ")
        key = token.strip() if scheme.lower() == "bearer" else ""
        for name in KEY_HEADERS:
            key = key or headers.get(name, "").strip()
        if not key:
            raise Unauthorized(
                "You didn't provide an API key. Send it in the header 'Authorization: Bearer YOUR_KEY'."
            )
        if not KEY.fullmatch(key):
            raise Unauthorized("The API key holds characters that no key has.", code="invalid_api_key")
        return key

    def read_caller(self) -> Caller:
        """Who asks, by the key of the request and the account that it may name.

        Raises ApiError: see `read_key` and `Doorkeeper.caller`; BadRequest for an account that can be none.
        """
        account_id = self.request.headers.get(ACCOUNT_HEADER, "").strip()
        try:
            caller = self.common.doorkeeper.caller(self.read_key(), account_id, self.origin())
        except ValueError:
            raise BadRequest(f"The header {ACCOUNT_HEADER} holds no id of an account.") from None
        if caller.grant is not None:
            self.key_name = caller.grant.alias
        return caller

    def is_trusted(self, admin: Admin) -> bool:
        """Whether this request is from the administrator, even without a token."""
        request = self.request
        return admin.trusts(request.remote_ip or "", request.version, request.headers)

    def let_in(self, caller: Caller) -> Visit:
        """Let the request through to the backend; see `Doorkeeper.admit`. Raises ApiError."""
        return self.common.doorkeeper.admit(caller, self.origin())

    def origin(self) -> Origin:
        """Where the request comes from."""
        request = self.request
        return Origin(request.remote_ip or "", request.headers.get("X-Forwarded-For", ""))

    def public_base(self) -> str:
        """Where users reach this service, for links: the setting, else the request's own host."""
        return self.common.public_base or f"{self.request.protocol}://{self.request.host}"

    def record_turn(self, turn: TurnOutcome) -> None:
        """Note how the turn of this request ended: its metrics and its log line follow from that."""
        self.turn = turn
        self.outcome = turn.outcome

    def send_body(self, body: bytes) -> "asyncio.Future[None]":
        """Answer with `body` and the time it took; a client that does not read it is cut off.

        What is returned is done when all is written. It may never be if the client leaves.
        """
        self.set_last_headers()
        written = self.finish(body)
        if not written.done():
            timer = asyncio.get_running_loop().call_later(self.common.write_timeout, self.cut_off)
            written.add_done_callback(lambda _: timer.cancel())
        return written

    def socket(self) -> IOStream | None:
        """The client's connection, if it is still there."""
        stream = getattr(self.request.connection, "stream", None)
        return stream if isinstance(stream, IOStream) else None

    @property
    def client_left(self) -> bool:
        """Whether the connection is closed. Tornado tells nobody of an end that came with the request."""
        socket = self.socket()
        return socket is not None and socket.closed()

    def on_connection_close(self) -> None:
        """The client left; Tornado calls this once."""
        super().on_connection_close()
        socket = self.socket()
        if socket is not None and socket.error is not None:
            socket.error.__traceback__ = None  # it refers back to the connection

    def cut_off(self) -> None:
        """Close the connection at once."""
        if (socket := self.socket()) is not None:
            socket.close()

    def set_last_headers(self) -> None:
        """`openai-processing-ms` (of streams to the headers), `x-ratelimit-*`, `x-model-resolved`, and
        `x-units` once a turn is over.
        """
        self.set_header("openai-processing-ms", str(int((time.monotonic() - self.started) * 1000)))
        if self.answered_by:
            self.set_header("x-model-resolved", self.answered_by)
        if self.turn is not None:
            self.set_header("x-units", str(self.turn.units))
        if self.conversing is not None:
            for name, value in self.common.charges.headers(*self.conversing).items():
                self.set_header(name, value)

    def check_limits(self, caller: Caller, model: Model, features: Collection[str] = ()) -> None:
        """Check the limits of `caller` for a conversation with `model` that needs `features` of the backend.

        Raises ApiError (429).
        """
        self.model_name = model.name
        self.conversing = caller, model
        charges = self.common.charges
        self.key_name = charges.alias(caller)
        charges.check(caller, model, features)
        self.common.pool.check(caller, need_of_model(model, charges.units(model), features))

    def forget_headers(self) -> None:
        """Let go of the headers, which were sent: a stream takes minutes."""
        for name in SENT_WITH_STREAMS:
            self.clear_header(name)

    def error_status(self, error: ApiError) -> int:
        """The status of a response with `error`, as the API of the route has it."""
        return error.status

    def error_body(self, error: ApiError) -> bytes:
        """What a response with `error` holds, in the format of the route."""
        return envelope(error)

    def send_api_error(self, error: ApiError, body: bytes | None = None) -> None:
        """Answer with `error`, perhaps in a body of its own; nothing may have been sent before."""
        self.clear()
        self.failure = error
        self.set_status(self.error_status(error))
        for name, value in error.headers().items():
            self.set_header(name, value)
        if isinstance(error, MethodNotAllowed):
            self.set_header("Allow", ", ".join(self.methods))
        if self.unread:
            self.set_header("Connection", "close")  # Tornado closes it
        if self.outcome is None:
            self.outcome = OUTCOMES.get(error.status, Outcome.INVALID)
        self.send_body(self.error_body(error) if body is None else body)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Tornado calls it for what a handler raised, and for errors of its own."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(error, ApiError):
            self.send_api_error(error)
        elif status_code == 405:
            self.send_api_error(self._not_allowed())
        elif 400 <= status_code < 500:
            self.send_api_error(BadRequest("The request could not be understood."))
        else:
            self.send_api_error(self.internal_error())

    def internal_error(self) -> InternalError:
        """The error for a bug of this service."""
        text = f"The service failed. Its log has more under {self.request_id}."
        return InternalError(text, should_retry=False)  # it would fail again, and may have cost something

    def log_exception(self, typ: Any, value: BaseException | None, tb: Any) -> None:
        """Log a bug. Tornado's own version logs the URI, which may hold the API prefix."""
        if isinstance(value, ApiError | tornado.web.HTTPError | StreamClosedError):
            return
        log.error("%s failed in route %s", self.request_id, self.route, exc_info=value)

    def on_finish(self) -> None:
        """The response is over: count it, and write its line."""
        duration = time.monotonic() - self.started
        status, turn = self.get_status(), self.turn
        outcome = self.outcome or (Outcome.OK if status < 400 else OUTCOMES.get(status, Outcome.INVALID))
        prompt_tokens = turn.usage.prompt_tokens if turn is not None else 0
        completion_tokens = turn.usage.completion_tokens if turn is not None else 0
        metrics = self.common.metrics
        metrics.responded(self.route, None if outcome is Outcome.CLIENT_GONE else status)
        metrics.request(self.route, self.model_name, outcome, duration, self.ttft, completion_tokens)
        failure: Failure | None = None
        if self.failure is not None and self.route != "unknown":  # scanners ask for unknown paths all day
            known = self.request_id, self.route, self.model_name or self.asked_model, status
            failure = self.common.failures.add(*known, self.failure)
        self.show_end(outcome, duration, failure)
        if self.trace is not None:
            self.trace.end(
                request_end(
                    self.route,
                    status,
                    outcome,
                    self.failure,
                    key=self.key_name,
                    model=self.model_name,
                    ttft=self.ttft,
                    turn=turn,
                )
            )
        level = logging.DEBUG if self.route in QUIET_ROUTES else logging.INFO
        if log.isEnabledFor(level):
            fields = {
                "request_id": self.request_id,
                "trace_id": self.trace.trace_id if self.trace is not None else None,
                "method": self.request.method,
                "route": self.route,
                "model": self.model_name or None,
                "side": self.side or None,
                "key": self.key_name or None,
                "answered_by": (turn.answered_by or None) if turn is not None else None,
                "account": (turn.account or None) if turn is not None else None,
                "status": status,
                "outcome": outcome.value,
                "duration": round(duration, 3),
                "ttft": round(self.ttft, 3) if self.ttft is not None else None,
                "prompt_tokens": prompt_tokens or None,
                "completion_tokens": completion_tokens or None,
                "calls": (turn.calls or None) if turn is not None else None,
                "asked_again": (turn.asked_again or None) if turn is not None else None,
                "units": (turn.units if turn is not None else 0)
                if self.route in CONVERSATION_ROUTES
                else None,
            }
            log.log(level, "request", extra={"fields": fields})
        self.failure = None  # its traceback refers back to this handler

    def show_end(self, outcome: Outcome, duration: float, failure: Failure | None) -> None:
        """Show the end of the request, which took so many seconds, to those who watch; most are not shown."""

    def _permit(self) -> None:
        """Tell a browser what the page that it asks for may send."""
        self.set_header("Access-Control-Allow-Methods", "GET, POST, DELETE, OPTIONS")
        self.set_header("Access-Control-Max-Age", "86400")
        names = self.request.headers.get("Access-Control-Request-Headers", "")
        if HEADER_NAMES.fullmatch(names):
            self.set_header("Access-Control-Allow-Headers", names)
        if self.request.headers.get("Access-Control-Request-Private-Network") == "true":
            self.set_header("Access-Control-Allow-Private-Network", "true")

    def _not_allowed(self) -> MethodNotAllowed:
        return MethodNotAllowed(f"The method {self.request.method} is not allowed for this path.")


ABSENT: Final = {
    "embeddings": "The backend makes no embeddings; use a local model or another provider for them.",
    "moderations": "The backend judges no texts, and nothing is waved through here; leave moderation out.",
    "audio": "Speech and transcriptions are there if the service is set to AUDIO=true.",
    "assistants": "Assistants are not offered; use /v1/chat/completions with a GPT as the model.",
    "threads": "Threads are not offered; send the messages with each request to /v1/chat/completions.",
    "batches": "One account answers one message at a time, so there are no batches; send single requests.",
    "fine_tuning": "The backend trains no models.",
    "vector_stores": "There are no vector stores; attach files to the messages instead.",
    "realtime": 'There are no realtime sessions; use /v1/chat/completions with "stream": true.',
}
"""What does not exist here, by the first part of the path behind `/v1/`, and what to do instead."""


class UnknownPath(ApiHandler):
    """404 for every path that is not ours, in JSON, naming the path: mistakes in base URLs are common."""

    route = "unknown"

    def check_head(self) -> None:
        """Raise NotFound, but for preflights."""
        if self.request.method != "OPTIONS":
            self.get()

    def get(self) -> None:
        """Raise NotFound, for any method."""
        path = self.request.path[:200]
        first = path.partition("/v1/")[2].partition("/")[0]
        hint = ""
        if first in ABSENT:
            hint = f" {ABSENT[first]}"
        elif path.endswith(("/chat/completions", "/models", "/images/generations", "/responses")):
            hint = " Check the base URL: the API is under /v1."
        elif path.rstrip("/").endswith("/v1"):
            hint = " This looks like a base URL: give it to a client, or ask below it for /models."
        raise NotFound(f"Unknown request URL: {self.request.method} {path}.{hint}", code="unknown_url")

    head = post = put = patch = delete = get
