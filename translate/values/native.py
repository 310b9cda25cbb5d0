"""The backend's own abilities, where a client wants them as items beside the answer's text."""

from dataclasses import dataclass
from enum import Enum, auto


class Native(Enum):
    """What the backend's models can do by themselves."""

    WEB_SEARCH = auto()
    CODE_INTERPRETER = auto()
    IMAGE_GENERATION = auto()


@dataclass(frozen=True, slots=True)
class WebAction:
    """What the model did on the web: it searched for `queries`, or opened the page `url`, or looked for
    `pattern` in it.

    `url` may be empty where the model names a page by a number of its own.
    """

    queries: tuple[str, ...] = ()
    url: str = ""
    pattern: str = ""
