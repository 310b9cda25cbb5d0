"""What follows a good exchange that is not the end: an answer cut by length, a GPT that asks for permission,
an answer that is not what was asked for.

Each follow-up is another conversation for the backend, and costs as much.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal

from translate.backend import (
    NO_WISHES,
    PostedConversation,
    TurnFacts,
    Wishes,
    confirmation,
    continuation,
    conversation,
)
from translate.values import ChatMessage, Confirmation, ExchangeEnded, Model, Place
from turns.preparation import new_id

MAX_CONFIRMATIONS: Final = 5
"""Confirmations that are given in one turn; a GPT that asks for more gets none."""
MAX_QUESTIONS: Final = 1
"""Times that one turn asks once more for an answer as it must be."""

GptActions = Literal["ask", "allow", "always"]


@dataclass(frozen=True, slots=True)
class FollowUp:
    """The next exchange. With `seamless` its text goes on in mid-sentence."""

    posted: PostedConversation
    seamless: bool


class FollowUps:
    """Decides for one turn, and counts. `actions` is what a GPT may do that asks whether it may call a
    host; the `wishes` are those of the turn.
    """

    __slots__ = (
        "_actions",
        "_confirmations_left",
        "_continuations_left",
        "_new_id",
        "_questions_left",
        "_wishes",
    )

    def __init__(
        self,
        *,
        continue_limit: int,
        actions: GptActions,
        wishes: Wishes = NO_WISHES,
        new_id: Callable[[], str] = new_id,
    ) -> None:
        self._continuations_left = continue_limit
        self._confirmations_left = MAX_CONFIRMATIONS
        self._questions_left = MAX_QUESTIONS
        self._actions = actions
        self._wishes = wishes
        self._new_id = new_id

    def after(
        self, ended: ExchangeEnded, model: Model, facts: TurnFacts, affordable: Callable[[], bool]
    ) -> FollowUp | str | None:
        """The follow-up of an exchange; a note for the user if it is wanted and not allowed; else None.

        `affordable` tells whether another conversation may be held.
        """
        if not (ended.cut or ended.confirmation or ended.question) or not affordable():
            return None
        if ended.confirmation is not None:
            return self._confirm(ended.confirmation, model, facts)
        if ended.question:
            return self._ask(ended.question, model, facts)
        if not self._continuations_left:
            return None
        self._continuations_left -= 1
        posted = continuation(model, facts.conversation_id, facts.last_message_id, wishes=self._wishes)
        return FollowUp(posted, seamless=True)

    def _ask(self, question: str, model: Model, facts: TurnFacts) -> FollowUp | None:
        if not (self._questions_left and facts.conversation_id and facts.last_message_id):
            return None
        self._questions_left -= 1
        place = Place(facts.conversation_id, facts.last_message_id)
        asked = [ChatMessage("user", question)]
        wishes = replace(self._wishes, hints=())  # to search once more would not mend it
        posted = conversation(model, asked, self._new_id, wishes=wishes, place=place)
        return FollowUp(posted, seamless=False)

    def _confirm(self, asked: Confirmation, model: Model, facts: TurnFacts) -> FollowUp | str:
        where = f"{asked.domain[:100]} ({asked.operation[:100]})"
        if asked.login:
            return f"[The GPT wants you to log in at {where}, which cannot be done through this service.]"
        if self._actions == "ask" or not asked.target_message_id or not self._confirmations_left:
            return f"[The GPT wants to call {where} and was not allowed to: see GPT_ACTIONS.]"
        self._confirmations_left -= 1
        always = self._actions == "always" and asked.operation_hash
        posted = confirmation(
            model,
            facts.conversation_id,
            asked,
            "always_allow" if always else "allow",
            self._new_id,
            wishes=self._wishes,
        )
        return FollowUp(posted, seamless=False)
