"""Whether an answer goes on in a conversation that the backend has: what is known of those, who may do it,
and how the client is told.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from accounts import Caller, KeyKind
from continuity import ConversationTable, Fingerprint, Fingerprints, History, Node, TableFailed, weight
from handlers.emulation import computed
from ledger import KeyNames
from translate.values import AnswerEnd, ChatMessage, Model, Place
from turns import Answered

log = logging.getLogger("pandora")

CONVERSATION_HEADER: Final = "x-conversation"
"""Says whether an answer is in a new conversation of the backend, or in one that it had."""
NEW: Final = "new"
CONTINUED: Final = "continued"
EFFORT: Final = 4
"""Fingerprints take so many times as long as prompts of tools for as much text; see `computed`."""
USUAL_CONTEXT: Final = 16_384
"""Tokens that a model reads of which the backend does not say."""
SHARE_OF_CONTEXT: Final = 0.75
WHOLE: Final = ("stop", "tool_calls", "length")
"""How an answer ends that the backend keeps as the client got it."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a conversation was told of tools, in which envelopes (see `Emulated`), and the tokens of all that
    was said in it.
    """

    told: str
    nonce: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Lasting:
    """What conversations that last are found with. `keys` name callers in the `table`, and have the secret of
    its hashes. A table that fails is told by the log: then all begins anew.
    """

    table: ConversationTable
    keys: KeyNames

    async def history(self, model: Model, messages: Sequence[ChatMessage]) -> History:
        """The fingerprints of a whole history."""
        # They are made anew each time: the secret is replaced where instances agree on one.
        prints = Fingerprints(self.keys.secret)
        return await computed(EFFORT * weight(messages), prints.history, model.gizmo_id, messages)

    async def find(self, caller: Caller, model: Model, history: History) -> Node | None:
        """The answer behind which the history goes on, if that is sure.

        No talk is gone on with that fills much of what the model reads at once: the backend drops what was
        said first, such as instructions, and says nothing of it.
        """
        if history.answered is None or not history.new:
            return None
        try:
            found = await self.table.take(self.keys.digest(caller), history.answered)
        except TableFailed as error:
            log.error("conversations cannot be looked for: %s", error)
            return None
        if found is None or not may_use(caller, found.home) or found.tokens > most_tokens(model):
            return None
        return found

    async def forget(self, node: Node) -> None:
        """The backend does not have that conversation any more."""
        try:
            await self.table.forget(node)
        except TableFailed as error:
            log.error("a conversation could not be forgotten: %s", error)

    async def keep(
        self, caller: Caller, asked: Fingerprint, end: AnswerEnd, answered: Answered | None, told: Told
    ) -> None:
        """Keep where the answer to the history `asked` is, so that the next request goes on there."""
        message = said_in(end)
        if answered is None or answered.left or message is None:
            return
        if not (answered.conversation_id and answered.message_id):
            return
        prints = Fingerprints(self.keys.secret)
        node = Node(
            owner=self.keys.digest(caller),
            fingerprint=await computed(EFFORT * weight([message]), prints.after, asked, message),
            home=answered.home,
            place=Place(answered.conversation_id, answered.message_id),
            told=told.told,
            nonce=told.nonce,
            tokens=told.tokens,
            at=time.time(),
        )
        try:
            await self.table.add(node)
        except TableFailed as error:
            log.error("a conversation could not be kept: %s", error)


def most_tokens(model: Model) -> int:
    """How many tokens a conversation with the model may have to be gone on with."""
    context = model.listed.context if model.listed is not None else 0
    return int((context or USUAL_CONTEXT) * SHARE_OF_CONTEXT)


def lasts(caller: Caller) -> bool:
    """Whether a conversation of the caller can be gone on with: with a key of a pool, each request may reach
    another account.
    """
    return caller.grant is not None or caller.own.kind is not KeyKind.POOL


def may_use(caller: Caller, home: str) -> bool:
    """Whether the caller's requests may go to the account `home`."""
    if caller.grant is not None:
        return home in caller.grant.accounts
    return lasts(caller) and home == caller.own.digest


def said_in(end: AnswerEnd) -> ChatMessage | None:
    """The message that the client has got, and will send again; None if the backend has another one."""
    text = end.answer.text or end.refusal
    if end.reason not in WHOLE or end.stop_sequence or not (text or end.calls):
        return None
    return ChatMessage("assistant", text, calls=tuple(end.calls))
