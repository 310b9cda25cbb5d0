"""What the service says of itself: probes, metrics, the console, and this document."""

from typing import Final

from handlers.openapi.operations import (
    EVENTS,
    JSON,
    MAYBE_TOKEN,
    OPEN,
    TOKEN,
    UNCHANGED,
    Family,
    answer,
    in_header,
    in_path,
    json_answer,
    operation,
    read_only,
)
from handlers.openapi.schemas import array, boolean, integer, nullable, one_of, record, text, whole

_TAG: Final = in_header("If-None-Match", "The tag of what the client has.")
_READY: Final = whole(
    {
        "status": one_of("", "ready", "not_recording", "draining"),
        "in_flight": integer("Answers that are being made.", minimum=0),
        "gpts": record(None, "Which GPTs can be used; null if nobody has asked for one yet."),
    },
    without=("gpts",),
)
_STATE: Final = whole(
    {
        "version": text(),
        "simulated": boolean("The backend is the built-in simulator."),
        "status": one_of("", "ready", "draining"),
        "models": array(record()),
        "api": nullable(text("The path of the API.")),
        "key": text("That of the simulator, else empty."),
        "access": one_of("Whether the details are told.", "granted", "token"),
        "details": nullable(record()),
    }
)

PROBES: Final = Family(
    name="Probes",
    about="Whether the service is well.",
    paths={
        "/healthz": read_only(
            operation(
                "getHealth",
                "Whether the event loop runs.",
                json_answer(
                    whole(
                        {
                            "status": {"const": "ok"},
                            "upstream": one_of("", "simulated", "configured"),
                            "event_loop": text(),
                        }
                    )
                ),
                security=OPEN,
            )
        ),
        "/readyz": read_only(
            operation(
                "getReadiness",
                "Whether to send traffic here.",
                {
                    200: answer("It is ready.", {JSON: _READY}),
                    503: answer("It is not.", {JSON: _READY}),
                },
                security=OPEN,
            )
        ),
    },
    schemas={},
    prefixed=False,
)
CONSOLE: Final = Family(
    name="Console",
    about="The page for people, and what it shows.",
    paths={
        "/": read_only(
            operation(
                "getConsole",
                "The page.",
                {200: answer("The page.", {"text/html": text()}), 304: UNCHANGED},
                parameters=(_TAG,),
                security=OPEN,
            )
        ),
        "/console/{file}": read_only(
            operation(
                "getConsoleFile",
                "A file of the page.",
                {
                    200: answer(
                        "The file.",
                        {
                            "text/html": text(),
                            "text/javascript": text(),
                            "text/css": text(),
                            "image/svg+xml": text(),
                        },
                    ),
                    304: UNCHANGED,
                },
                (404,),
                parameters=(
                    in_path("file", "Its name.", pattern=r"^[a-z0-9-]+\.[a-z]+$", examples=["main.js"]),
                    _TAG,
                ),
                security=OPEN,
            )
        ),
        "/console/state": {
            "get": operation(
                "getConsoleState",
                "What the page shows.",
                json_answer(_STATE),
                (401,),
                security=MAYBE_TOKEN,
            )
        },
        "/console/events": {
            "get": operation(
                "watchConsole",
                "What the page shows, told while it changes.",
                {200: answer("Events until the service stops.", {EVENTS: text()})},
                (401, 503),
                about="For the administrator. Each event is an object whose `type` is `state`, with what the "
                "page shows under `state`, or `requests`, with those that run and those that ended since.",
                security=MAYBE_TOKEN,
            )
        },
    },
    schemas={},
    prefixed=False,
)
DOCUMENT: Final = Family(
    name="Document",
    about="This document.",
    paths={
        "/openapi.json": read_only(
            operation(
                "getDocument",
                "This document.",
                {
                    200: answer("The document.", {JSON: record(None, required=("openapi", "info", "paths"))}),
                    304: UNCHANGED,
                },
                parameters=(_TAG,),
                security=OPEN,
            )
        )
    },
    schemas={},
)


def metrics(*, token: bool) -> Family:
    """The metrics; with `token` a scraper must send one."""
    kinds = ("text/plain", "application/openmetrics-text")
    return Family(
        name="Metrics",
        about="For Prometheus.",
        paths={
            "/metrics": {
                "get": operation(
                    "getMetrics",
                    "All metrics, in the format that the scraper accepts.",
                    {200: answer("The metrics.", {kind: text() for kind in kinds})},
                    (400, 401) if token else (),
                    security=TOKEN if token else OPEN,
                )
            }
        },
        schemas={},
        prefixed=False,
    )
