"""What clients make of a base URL: paths with a slash or a `/v1` too many, or without `/v1`."""

import re
from typing import Any, Final

import tornado.web
from tornado.httputil import HTTPServerRequest

FAMILIES: Final = (
    "audio", "chat", "completions", "containers", "conversations", "files", "gpts", "images", "messages",
    "models", "responses", "usage",
)  # fmt: skip
"""What the paths of the API begin with, behind `/v1/`."""
BEGINNING: Final = re.compile(r"/+(?P<version>v1/+)?(?:v1/+)?(?P<rest>(?P<family>[^/]+).*)", re.DOTALL)
STORED: Final = re.compile(r"(?:files|images)/(?!(?:generations|edits|variations)/?$)[^/]+")
"""Pictures and files of answers, which have no `/v1` (`MediaHandler`)."""


def meant_path(path: str, root: str) -> str:
    """The path of the API that `path` means, or `path` itself if it means none.

    `root` is what is before `/v1` (`API_PREFIX`), empty if there is nothing. `//v1`, `/v1/v1`, `/v1//` and
    a missing `/v1` are understood. Without a root, `/files/NAME` and `/images/NAME` stay what the service has
    there.
    """
    single = "/" + path.lstrip("/")
    if not single.startswith(f"{root}/"):
        return path
    found = BEGINNING.fullmatch(single, len(root))
    if found is None or found["family"] not in FAMILIES:
        return path
    if not root and not found["version"] and STORED.fullmatch(found["rest"]):
        return path
    return f"{root}/v1/{found['rest']}"


class ApiApplication(tornado.web.Application):
    """An application that looks up its routes by the path that is meant; `root` as `meant_path` has it."""

    def __init__(self, handlers: list[Any], *, root: str, **settings: Any) -> None:
        super().__init__(handlers, **settings)
        self._root = root

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
        """Tornado calls it for each request, once the headers are there."""
        request.path = meant_path(request.path, self._root)
        return super().find_handler(request, **kwargs)
