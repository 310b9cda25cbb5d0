"""The routes: which path is answered by which handler, and what each handler works with."""

import re
from dataclasses import dataclass
from typing import Any

import tornado.web

from access import Admin
from accounts import AccountQueue, Lender
from catalogue import GptsFileWatcher
from handlers.admin import AccountsHandler, AdminParts, ReloadHandler, SwitchHandler
from handlers.answer import AnswerParts
from handlers.audio import SpeechHandler, TranscriptionsHandler
from handlers.base import ApiHandler, Common, UnknownPath
from handlers.base_url import ApiApplication
from handlers.billing import BillingUsageHandler, SubscriptionHandler
from handlers.chat import ChatHandler, ChatOptions, CompletionsHandler
from handlers.console import ConsoleHandler, StateHandler
from handlers.console_feed import EventsHandler
from handlers.console_state import ConsoleParts
from handlers.files import FileContentHandler, FileHandler, FilesHandler, OwnFilesOf
from handlers.gpts import GptSearchHandler, Search
from handlers.images import ImageFormHandler, ImagesHandler, VariationsHandler
from handlers.media import ContainerFileHandler, MediaHandler
from handlers.messages import CountTokensHandler, HelloHandler, MessagesHandler, UnknownMessagesPath
from handlers.models import ModelHandler, ModelsHandler
from handlers.openapi.document import Offered, document
from handlers.openapi.handler import OpenApiHandler
from handlers.probes import HealthHandler, MetricsHandler, ReadyHandler
from handlers.responses.conversations import (
    ConversationHandler,
    ConversationsHandler,
    ItemHandler,
    ItemsHandler,
)
from handlers.responses.create import ResponsesHandler
from handlers.responses.kept import (
    CancelHandler,
    CompactHandler,
    InputItemsHandler,
    InputTokensHandler,
    ResponseHandler,
)
from handlers.responses.parts import ResponsesParts
from handlers.usage import UsageHandler
from ledger import LicenceUsage
from media import MediaReader, MediaStore
from metrics import Exposition
from oversight import Oversight
from recordings import Recorder
from roster import RosterWatcher
from turns import Voice

ROUTES = (
    "admin", "audio", "billing", "chat", "console", "conversations", "files", "gpts", "images", "media",
    "messages", "models", "openapi", "probe", "responses", "tokens", "transcriptions", "unknown", "usage"
)  # fmt: skip
"""Route names, as they appear in metrics."""

Routes = list[tuple[str, type[ApiHandler], dict[str, Any]]]
"""Pattern of the path, handler, and what the handler works with."""


@dataclass(frozen=True, slots=True)
class AppParts:
    """What the handlers work with, together; `make_app` gives each of them its own share.

    `search` is None where the store of GPTs is not to be searched. `api_prefix` is that of the settings,
    empty if it is not set. `upstream` is the backend's host. With `simulated` the backend is the built-in
    simulator, and `demo_key` is its key, else empty. With `metrics_apart` the metrics have a port of their
    own, and are not among the routes here; `metrics_token` is what a scraper must send, empty for nothing.
    Without a `voice` there is no audio, and without `own_files` nothing is stored for callers.
    """

    common: Common
    answers: AnswerParts
    chat: ChatOptions
    responses: ResponsesParts
    reader: MediaReader
    media: MediaStore
    gpts: GptsFileWatcher
    search: Search | None
    lender: Lender
    queue: AccountQueue
    licence: LicenceUsage
    recorder: Recorder
    oversight: Oversight
    roster: RosterWatcher
    voice: Voice | None
    own_files: OwnFilesOf | None
    api_prefix: str
    admin: Admin
    upstream: str
    version: str
    simulated: bool
    demo_key: str
    exposition: Exposition
    metrics_apart: bool
    metrics_token: str


def make_app(parts: AppParts) -> tornado.web.Application:
    """The application. A trailing slash is taken as it is: a redirect would turn a POST into a GET.

    Only the API is under its prefix: pages and files are for browsers, and probes for other programs.
    Pages of other sites may use the API and stored files, and read their errors; all else is not for them.
    """
    root = f"/{re.escape(parts.api_prefix)}" if parts.api_prefix else ""
    v1 = f"{root}/v1"
    billing = rf"{root}(?:/v1)?/dashboard/billing"
    answers = parts.answers
    images = {"parts": answers, "reader": parts.reader}
    owner = "pandora-to-v1-simulator" if parts.simulated else "pandora-next"
    models = {"models": answers.models, "owner": owner}
    usage = {"licence": parts.licence, "admin": parts.admin}
    console = ConsoleParts(
        version=parts.version,
        simulated=parts.simulated,
        demo_key=parts.demo_key,
        api_prefix=parts.api_prefix,
        admin=parts.admin,
        upstream=parts.upstream,
        catalogue=answers.models.catalogue,
        gpts=parts.gpts,
        running=answers.running,
        queue=parts.queue,
        licence=parts.licence,
        recorder=parts.recorder,
        oversight=parts.oversight,
        timing=answers.timing,
    )
    for_any_origin: Routes = [
        (rf"{v1}/chat/completions/?", ChatHandler, {"parts": answers, "chat": parts.chat}),
        (rf"{v1}/completions/?", CompletionsHandler, {"parts": answers, "chat": parts.chat}),
        (rf"{v1}/messages/?", MessagesHandler, {"parts": answers, "chat": parts.chat}),
        (rf"{v1}/messages/count_tokens/?", CountTokensHandler, {"parts": answers}),
        (rf"{v1}/messages/.*", UnknownMessagesPath, {}),
        *_responses_routes(v1, parts),
        *_conversations_routes(v1, parts),
        (rf"{v1}/images/generations/?", ImagesHandler, images),
        (rf"{v1}/images/edits/?", ImageFormHandler, images),
        (rf"{v1}/images/variations/?", VariationsHandler, images),
        *_audio_routes(v1, parts),
        *_files_routes(v1, parts),
        (rf"{v1}/containers/([^/]+)/files/([^/]+)/content/?", ContainerFileHandler, {"media": parts.media}),
        (rf"{v1}/models/?", ModelsHandler, models),
        (rf"{v1}/models/(.+?)/?", ModelHandler, models),
        *_gpts_routes(v1, parts),
        (rf"{v1}/usage/?", UsageHandler, usage),
        (rf"{billing}/subscription/?", SubscriptionHandler, {}),
        (rf"{billing}/usage/?", BillingUsageHandler, {}),
        (rf"{root}/api/hello", HelloHandler, {}),
        (rf"{root}/openapi\.json", OpenApiHandler, {"document": document(_offered(parts))}),
        (rf"{root}/.*" if root else "/(?:v1|dashboard)(?:/.*)?", UnknownPath, {}),
        (r"/(?:images|files)/([^/]+)", MediaHandler, {"media": parts.media}),
    ]
    for_own_origin: Routes = [
        (r"/healthz/?", HealthHandler, {"simulated": parts.simulated}),
        (r"/readyz/?", ReadyHandler, {"running": answers.running, "gpts": parts.gpts}),
        *([] if parts.metrics_apart else [_metrics_route(parts)]),
        (r"/", ConsoleHandler, {}),
        (r"/console/state", StateHandler, {"parts": console}),
        (r"/console/events", EventsHandler, {"parts": console}),
        (r"/console/((?:[a-z0-9-]+/)*[A-Za-z0-9_.-]+\.[a-z0-9]+)", ConsoleHandler, {}),
        *_admin_routes(parts),
    ]
    return ApiApplication(
        [
            *((path, handler, {**kept, "cross_origin": True}) for path, handler, kept in for_any_origin),
            *for_own_origin,
        ],
        root=f"/{parts.api_prefix}" if parts.api_prefix else "",
        default_handler_class=UnknownPath,
        log_function=lambda handler: None,  # ApiHandler.on_finish writes the one line
        common=parts.common,
    )


def make_metrics_app(parts: AppParts) -> tornado.web.Application:
    """The application for a port that serves the metrics alone."""
    return tornado.web.Application(
        [_metrics_route(parts)],
        default_handler_class=UnknownPath,
        log_function=lambda handler: None,
        common=parts.common,
    )


def _offered(parts: AppParts) -> Offered:
    return Offered(
        version=parts.version,
        api_prefix=parts.api_prefix,
        audio=parts.voice is not None,
        conversations=parts.responses.store is not None,
        files=parts.own_files is not None,
        gpts=parts.search is not None,
        metrics=not parts.metrics_apart,
        metrics_token=bool(parts.metrics_token),
    )


def _responses_routes(v1: str, parts: AppParts) -> Routes:
    kept = {"responses": parts.responses}
    one = rf"{v1}/responses/([^/]+)"
    return [
        (rf"{v1}/responses/?", ResponsesHandler, {"parts": parts.answers, "chat": parts.chat, **kept}),
        (rf"{v1}/responses/input_tokens/?", InputTokensHandler, {"parts": parts.answers, **kept}),
        (rf"{v1}/responses/compact/?", CompactHandler, {}),
        (rf"{one}/?", ResponseHandler, kept),
        (rf"{one}/cancel/?", CancelHandler, kept),
        (rf"{one}/input_items/?", InputItemsHandler, kept),
    ]


def _conversations_routes(v1: str, parts: AppParts) -> Routes:
    """None, unless responses are kept."""
    if (kept := parts.responses.store) is None:
        return []
    own = {"store": kept.conversations, "responses": parts.responses, "models": parts.answers.models}
    one = rf"{v1}/conversations/([^/]+)"
    return [
        (rf"{v1}/conversations/?", ConversationsHandler, own),
        (rf"{one}/?", ConversationHandler, own),
        (rf"{one}/items/?", ItemsHandler, own),
        (rf"{one}/items/([^/]+)/?", ItemHandler, own),
    ]


def _audio_routes(v1: str, parts: AppParts) -> Routes:
    """None, unless there is a voice."""
    if parts.voice is None:
        return []
    audio = {"parts": parts.answers, "voice": parts.voice}
    return [
        (rf"{v1}/audio/speech/?", SpeechHandler, audio),
        (rf"{v1}/audio/transcriptions/?", TranscriptionsHandler, audio),
    ]


def _gpts_routes(v1: str, parts: AppParts) -> Routes:
    """None, unless the store of GPTs is searched."""
    if parts.search is None:
        return []
    search = {"search": parts.search, "lender": parts.lender}
    return [(rf"{v1}/gpts/search/?", GptSearchHandler, search)]


def _files_routes(v1: str, parts: AppParts) -> Routes:
    """None, unless files are stored."""
    if parts.own_files is None:
        return []
    own: dict[str, Any] = {"own_files": parts.own_files}
    return [
        (rf"{v1}/files/?", FilesHandler, {**own, "models": parts.answers.models}),
        (rf"{v1}/files/([^/]+)/content/?", FileContentHandler, own),
        (rf"{v1}/files/([^/]+)/?", FileHandler, own),
    ]


def _admin_routes(parts: AppParts) -> Routes:
    given = AdminParts(parts.admin, parts.oversight, parts.roster, parts.gpts, parts.answers.models.catalogue)
    admin = {"parts": given}
    one = r"/admin/accounts/([^/]+)"
    return [
        (r"/admin/accounts/?", AccountsHandler, admin),
        (rf"{one}/enable/?", SwitchHandler, {**admin, "enabled": True}),
        (rf"{one}/disable/?", SwitchHandler, {**admin, "enabled": False}),
        (r"/admin/reload/?", ReloadHandler, admin),
    ]


def _metrics_route(parts: AppParts) -> tuple[str, type[ApiHandler], dict[str, object]]:
    return r"/metrics/?", MetricsHandler, {"exposition": parts.exposition, "token": parts.metrics_token}
