"""The routes: which path is answered by which handler, and what each handler works with."""

import re
from dataclasses import dataclass

import tornado.web

from handlers.answer import AnswerParts
from handlers.base import Common, UnknownPath
from handlers.billing import BillingUsageHandler, SubscriptionHandler
from handlers.chat import ChatHandler, ChatOptions
from handlers.client_connection import StreamTiming
from handlers.console import ConsoleHandler, ConsoleParts, StateHandler
from handlers.images import ImageFormHandler, ImagesHandler, VariationsHandler
from handlers.media import MediaHandler
from handlers.models import ModelHandler, ModelsHandler
from handlers.probes import HealthHandler, MetricsHandler, ReadyHandler
from handlers.usage import UsageHandler
from media import MediaReader, MediaStore
from turns import TurnFactory

ROUTES = ("billing", "chat", "console", "images", "media", "models", "probe", "unknown", "usage")
"""Route names, as they appear in metrics."""


@dataclass(frozen=True, slots=True)
class AppParts:
    """What the handlers work with, together; each of them gets its own share."""

    common: Common
    console: ConsoleParts
    turns: TurnFactory
    timing: StreamTiming
    chat: ChatOptions
    reader: MediaReader
    media: MediaStore


def make_app(parts: AppParts) -> tornado.web.Application:
    """The application. A trailing slash is taken as it is: a redirect would turn a POST into a GET.

    Only the API is under its prefix: pages and files are for browsers, and probes for other programs.
    """
    console = parts.console
    root = f"/{re.escape(console.api_prefix)}" if console.api_prefix else ""
    v1 = f"{root}/v1"
    billing = rf"{root}(?:/v1)?/dashboard/billing"
    answers = AnswerParts(console.catalogue, parts.turns, console.running, parts.timing)
    images = {"parts": answers, "reader": parts.reader}
    owner = "pandora-to-v1-simulator" if console.simulated else "pandora-next"
    models = {"catalogue": console.catalogue, "owner": owner}
    usage = {"licence": console.licence, "admin_token": console.admin_token}
    return tornado.web.Application(
        [
            (rf"{v1}/chat/completions/?", ChatHandler, {"parts": answers, "chat": parts.chat}),
            (rf"{v1}/images/generations/?", ImagesHandler, images),
            (rf"{v1}/images/edits/?", ImageFormHandler, images),
            (rf"{v1}/images/variations/?", VariationsHandler, images),
            (rf"{v1}/models/?", ModelsHandler, models),
            (rf"{v1}/models/(.+?)/?", ModelHandler, models),
            (rf"{v1}/usage/?", UsageHandler, usage),
            (rf"{billing}/subscription/?", SubscriptionHandler),
            (rf"{billing}/usage/?", BillingUsageHandler),
            (r"/healthz/?", HealthHandler, {"simulated": console.simulated}),
            (r"/readyz/?", ReadyHandler, {"running": console.running, "gpts": console.gpts}),
            (r"/metrics/?", MetricsHandler),
            (r"/(?:images|files)/([^/]+)", MediaHandler, {"media": parts.media}),
            (r"/", ConsoleHandler),
            (r"/console/state", StateHandler, {"parts": console}),
            (r"/console/([a-z0-9-]+\.[a-z]+)", ConsoleHandler),
        ],
        default_handler_class=UnknownPath,
        log_function=lambda handler: None,  # ApiHandler.on_finish writes the one line
        common=parts.common,
    )
