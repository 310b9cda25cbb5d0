"""Which handler answers which path (protocol notes, sections 3 and 20)."""

import re

from tornado.routing import URLSpec
from tornado.web import Application

from simulator.backend import Backend
from simulator.routes.accounts_2026 import (
    AccountsHandler,
    HintsHandler,
    InitHandler,
    MeHandler,
    SettingsHandler,
)
from simulator.routes.audio import SynthesizeHandler, TranscribeHandler
from simulator.routes.base import NotFoundHandler
from simulator.routes.catalogue import GizmoHandler, GizmoSearchHandler, LimitHandler, ModelsHandler
from simulator.routes.celsius import USER_SOCKET_PATH, CelsiusHandler, UserSocketHandler
from simulator.routes.control import ConditionsHandler, KnobsHandler, StateHandler
from simulator.routes.conversation import ConversationHandler
from simulator.routes.f_conversation import FConversationHandler, PrepareHandler, ResumeHandler
from simulator.routes.files import (
    AttachmentHandler,
    DownloadLookupHandler,
    EstuaryHandler,
    FileHandler,
    FilesHandler,
    SandboxHandler,
    SignedAddressHandler,
    UploadedHandler,
)
from simulator.routes.stored_2026 import (
    DeletedConversationHandler,
    PageHandler,
    RenameHandler,
    StreamStatusHandler,
    TextdocsHandler,
)
from simulator.routes.stored_conversations import (
    ConversationListHandler,
    ModerationHandler,
    StoredConversationHandler,
    TitleHandler,
)
from simulator.routes.uploads_2026 import ProcessUploadHandler
from simulator.routes.websocket import WEBSOCKET_PATH, RegisterHandler, SocketHandler, StopHandler


def make_application(backend: Backend, prefix: str) -> Application:
    """All routes of `backend`; the API is under the path `prefix`, which may be empty."""
    root = f"/{re.escape(prefix)}" if prefix else ""
    api = root + "/backend-api"
    one = r"([^/]+)"
    arguments = {"backend": backend}
    routes = [
        (f"{api}/conversation", ConversationHandler),
        (f"{api}/f/conversation", FConversationHandler),
        (f"{api}/f/conversation/prepare", PrepareHandler),
        (f"{api}/f/conversation/resume", ResumeHandler),
        (f"{api}/conversation/init", InitHandler),
        (f"{api}/conversation/id/{one}", DeletedConversationHandler),
        (f"{api}/conversation/id/{one}/rename", RenameHandler),
        (f"{api}/conversation/{one}/stream_status", StreamStatusHandler),
        (f"{api}/conversation/{one}/textdocs", TextdocsHandler),
        (f"{api}/conversation/{one}/attachment/{one}/download", AttachmentHandler),
        (f"{api}/conversation/gen_title/{one}", TitleHandler),
        (f"{api}/conversation/{one}/interpreter/download", SandboxHandler),
        (f"{api}/conversation/{one}", StoredConversationHandler),
        (f"{api}/conversations", ConversationListHandler),
        (f"{api}/conversations/{one}", PageHandler),
        (f"{api}/stop_conversation", StopHandler),
        (f"{api}/moderations", ModerationHandler),
        (f"{api}/models", ModelsHandler),
        (f"{api}/gizmos/search", GizmoSearchHandler),
        (f"{api}/gizmos/{one}", GizmoHandler),
        (f"{api}/files", FilesHandler),
        (f"{api}/files/process_upload_stream", ProcessUploadHandler),
        (f"{api}/files/{one}", FileHandler),
        (f"{api}/files/{one}/uploaded", UploadedHandler),
        (f"{api}/files/{one}/download", DownloadLookupHandler),
        (f"{api}/files/download/{one}", DownloadLookupHandler),
        (f"{api}/estuary/content", EstuaryHandler),
        (f"{api}/accounts/check/{one}", AccountsHandler),
        (f"{api}/synthesize", SynthesizeHandler),
        (f"{api}/transcribe", TranscribeHandler),
        (f"{api}/me", MeHandler),
        (f"{api}/settings/user", SettingsHandler),
        (f"{api}/system_hints", HintsHandler),
        (f"{api}/celsius/ws/user", CelsiusHandler),
        (USER_SOCKET_PATH, UserSocketHandler),
        (f"{api}/register-websocket", RegisterHandler),
        (WEBSOCKET_PATH, SocketHandler),
        (f"/__files/{one}", SignedAddressHandler),
        (f"{root}/public-api/conversation_limit", LimitHandler),
        ("/__sim/state", StateHandler),
        ("/__sim/knobs", KnobsHandler),
        ("/__sim/accounts", ConditionsHandler),
    ]
    return Application(
        [URLSpec(pattern, handler, arguments) for pattern, handler in routes],
        default_handler_class=NotFoundHandler,
        default_handler_args=arguments,
        log_function=lambda handler: None,  # paths hold the prefix, which is a secret
    )
