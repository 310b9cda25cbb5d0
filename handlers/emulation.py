"""Tools of the client's and forms of answers, which the backend does not know: prompts that ask for them, and
contracts that read them out of the answers. For all routes.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, ParamSpec, TypeVar

from accounts import Caller
from runtime import COMPUTING
from translate.tools import AnswerContract, Nonces, fingerprint, instructed
from translate.values import ChatMessage, Contract, JsonFormat, Toolbox

P = ParamSpec("P")
T = TypeVar("T")

LARGE: Final = 128 * 1024
"""Bytes of tools and text from which on their prompt is written beside the event loop: it takes some ms."""
ALPHABET: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
NO_TOOLS: Final = Toolbox((), "none")
"""Where tools were called before, or the conversation was told of some, and none may be called now: the model
must know it.
"""


@dataclass(frozen=True, slots=True)
class Emulated:
    """The messages as the backend is to get them, and what the answer has to keep to, if anything.

    `nonce` is that of the conversation, and `told` names what it is told of tools and forms; both are empty
    if it has to do with neither.
    """

    messages: Sequence[ChatMessage]
    contract: Contract | None = None
    nonce: str = ""
    told: str = ""


class Emulation:
    """Asks for tools and forms in words. Without `enabled` no route does that; see `TOOLS`."""

    def __init__(self, *, enabled: bool) -> None:
        self.enabled = enabled
        self._nonces = Nonces(secrets.token_bytes(32))

    def of(
        self,
        caller: Caller,
        messages: Sequence[ChatMessage],
        toolbox: Toolbox | None,
        form: JsonFormat | None,
        nonce: str = "",
        *,
        known: str = "",
    ) -> Emulated:
        """What becomes of a request; without tools to call, earlier calls and a form nothing does.

        For a conversation that goes on, `nonce` is its nonce, and `known` is what it was told before.
        """
        if toolbox is None or toolbox.choice == "none":
            called = bool(known) or any(message.calls or message.results for message in messages)
            toolbox = NO_TOOLS if called else None
        if toolbox is None and form is None:
            return Emulated(messages)
        nonce = nonce or self._nonces.of(caller.key, messages)
        contract = AnswerContract(toolbox, form, nonce, new_call_id)
        posted = instructed(messages, toolbox, form, nonce, known=known)
        return Emulated(posted, contract, nonce, fingerprint(toolbox, form))


async def computed(size: int, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `function` makes of `size` bytes of a request, in a thread if they are many."""
    if size < LARGE:
        return function(*args, **kwargs)
    return await COMPUTING.run(function, *args, **kwargs)


def new_call_id() -> str:
    """A fresh id of a call, unlike all others of its conversation."""
    return "call_" + "".join(secrets.choice(ALPHABET) for _ in range(24))
