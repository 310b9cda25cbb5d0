"""The routes."""

import re

import tornado.web

from handlers.base import UnknownPath
from handlers.billing import BillingUsageHandler, SubscriptionHandler
from handlers.chat import ChatHandler
from handlers.console import console_routes
from handlers.images import ImageFormHandler, ImagesHandler, VariationsHandler
from handlers.media import media_routes
from handlers.models import ModelHandler, ModelsHandler
from handlers.probes import HealthHandler, MetricsHandler, ReadyHandler
from handlers.service import Service
from handlers.usage import UsageHandler

ROUTES = ("billing", "chat", "console", "images", "media", "models", "probe", "unknown", "usage")
"""Route names, as they appear in metrics."""


def make_app(service: Service) -> tornado.web.Application:
    """The application. A trailing slash is taken as it is: a redirect would turn a POST into a GET."""
    prefix = service.settings.api_prefix
    root = f"/{re.escape(prefix)}" if prefix else ""
    v1 = f"{root}/v1"
    billing = rf"{root}(?:/v1)?/dashboard/billing"
    return tornado.web.Application(
        [
            (rf"{v1}/chat/completions/?", ChatHandler),
            (rf"{v1}/images/generations/?", ImagesHandler),
            (rf"{v1}/images/edits/?", ImageFormHandler),
            (rf"{v1}/images/variations/?", VariationsHandler),
            (rf"{v1}/models/?", ModelsHandler),
            (rf"{v1}/models/(.+?)/?", ModelHandler),
            (rf"{v1}/usage/?", UsageHandler),
            (rf"{billing}/subscription/?", SubscriptionHandler),
            (rf"{billing}/usage/?", BillingUsageHandler),
            (r"/healthz/?", HealthHandler),
            (r"/readyz/?", ReadyHandler),
            (r"/metrics/?", MetricsHandler),
            *media_routes(),
            *console_routes(),
        ],
        default_handler_class=UnknownPath,
        log_function=lambda handler: None,  # ApiHandler.on_finish writes the one line
        service=service,
    )
