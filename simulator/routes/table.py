"""Which handler answers which path (protocol notes, section 3)."""

import re

from tornado.routing import URLSpec
from tornado.web import Application

from simulator.backend import Backend
from simulator.routes.base import NotFoundHandler
from simulator.routes.catalogue import GizmoHandler, LimitHandler, ModelsHandler
from simulator.routes.control import KnobsHandler, StateHandler
from simulator.routes.conversation import ConversationHandler
from simulator.routes.files import (
    DownloadLookupHandler,
    FileHandler,
    FilesHandler,
    SandboxHandler,
    SignedAddressHandler,
    UploadedHandler,
)
from simulator.routes.stored_conversations import (
    ConversationListHandler,
    ModerationHandler,
    StoredConversationHandler,
    TitleHandler,
)
from simulator.routes.websocket import WEBSOCKET_PATH, RegisterHandler, SocketHandler, StopHandler


def make_application(backend: Backend, prefix: str) -> Application:
    """All routes of `backend`; the API is under the path `prefix`, which may be empty."""
    root = f"/{re.escape(prefix)}" if prefix else ""
    api = root + "/backend-api"
    one = r"([^/]+)"
    arguments = {"backend": backend}
    routes = [
        (f"{api}/conversation", ConversationHandler),
        (f"{api}/conversation/gen_title/{one}", TitleHandler),
        (f"{api}/conversation/{one}/interpreter/download", SandboxHandler),
        (f"{api}/conversation/{one}", StoredConversationHandler),
        (f"{api}/conversations", ConversationListHandler),
        (f"{api}/stop_conversation", StopHandler),
        (f"{api}/moderations", ModerationHandler),
        (f"{api}/models", ModelsHandler),
        (f"{api}/gizmos/{one}", GizmoHandler),
        (f"{api}/files", FilesHandler),
        (f"{api}/files/{one}", FileHandler),
        (f"{api}/files/{one}/uploaded", UploadedHandler),
        (f"{api}/files/{one}/download", DownloadLookupHandler),
        (f"{api}/files/download/{one}", DownloadLookupHandler),
        (f"{api}/register-websocket", RegisterHandler),
        (WEBSOCKET_PATH, SocketHandler),
        (f"/__files/{one}", SignedAddressHandler),
        (f"{root}/public-api/conversation_limit", LimitHandler),
        ("/__sim/state", StateHandler),
        ("/__sim/knobs", KnobsHandler),
    ]
    return Application(
        [URLSpec(pattern, handler, arguments) for pattern, handler in routes],
        default_handler_class=NotFoundHandler,
        default_handler_args=arguments,
        log_function=lambda handler: None,  # paths hold the prefix, which is a secret
    )
