"""Tools of the client's own, which it runs itself, and what an answer has to keep to.

The backend has no calls of such tools: `translate.tools` asks for them in words, and reads them out of the
answer's text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from translate.values.errors import ApiError
from translate.values.json import JsonObject
from translate.values.native import Native


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool that the model may call.

    `name` is what the model knows it by. `parameters` is the JSON schema of the arguments; None if it takes
    none. With `raw` it is called with one text instead of arguments, and `grammar` is that text's form in
    words or in a grammar, empty if it has none. With `strict` arguments that do not fit are never passed on.
    """

    name: str
    description: str = ""
    parameters: JsonObject | None = None
    strict: bool = False
    raw: bool = False
    grammar: str = ""


@dataclass(frozen=True, slots=True)
class Toolbox:
    """The tools of one request, and how they may be used.

    With `choice` "none" none may be called, with "required" at least one must be. `allowed` are the names
    that may be called, empty for all of them; one name together with "required" is a named tool. Without
    `parallel` at most one call is made in one answer. `native` are abilities of the model's own that it may
    use besides.
    """

    tools: Sequence[Tool]
    choice: Literal["none", "auto", "required"] = "auto"
    allowed: frozenset[str] = frozenset()
    parallel: bool = True
    native: frozenset[Native] = frozenset()


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool. `arguments` is JSON, or with `raw` a text; of a client's history it may be any text.

    `id` is the client's name for this call.
    """

    id: str
    name: str
    arguments: str
    raw: bool = False


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool that the client ran has given. `name` is empty if the client did not say it."""

    call_id: str
    text: str
    name: str = ""
    failed: bool = False


@dataclass(frozen=True, slots=True)
class JsonFormat:
    """The answer is to be one JSON value. Without a `schema` it is any object.

    With `strict` nothing is shown before it fits.
    """

    name: str = ""
    description: str = ""
    schema: JsonObject | None = None
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """The answer is as it must be: `text` is what of it was not shown yet, `calls` follow that.

    With `refusal` the model has refused, in these words, and there is nothing else. With `closed` nothing may
    be added to the text, such as a note of ours.
    """

    text: str = ""
    calls: Sequence[ToolCall] = ()
    refusal: str = ""
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Unkept:
    """The answer is not as it must be. `question` asks for it once more, in the same conversation."""

    question: str


class Contract(Protocol):
    """What the answer of one turn has to keep to. It is a `TextFilter` for the assistant's words.

    Of the words of all exchanges it lets through what is plain text to the client.
    """

    @property
    def passes_through(self) -> bool:
        """See `TextFilter`; a piece with `<`, `~`, a hyphen before a hexadecimal digit or at its end, or
        white space at its end is not plain here.
        """
        ...

    def feed(self, text: str) -> str:
        """See `TextFilter`."""
        ...

    def release(self) -> str:
        """The message is over; another one may follow, or go on with it."""
        ...

    def begin_message(self) -> str:
        """Another message begins, which does not go on with the one before. Return what was held back and is
        text of the one before after all.
        """
        ...

    @property
    def hidden(self) -> str:
        """What the answer must show nowhere: `-`, and what stands behind it in tags of this conversation."""
        ...

    @property
    def alone(self) -> bool:
        """Nothing else may be shown, such as code that the model runs."""
        ...

    @property
    def done(self) -> bool:
        """Nothing more of this exchange is wanted."""
        ...

    @property
    def kept(self) -> int:
        """Bytes of memory that it keeps, about."""
        ...

    def conclude(self, *, cut: bool) -> Kept | Unkept:
        """The exchange has ended well; `cut` if the answer was cut by length, and is not continued."""
        ...

    def give_up(self) -> Kept | ApiError:
        """After `Unkept`, nothing is asked again: what is made of the answer all the same, or the failure."""
        ...
