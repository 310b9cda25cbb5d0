"""Makes turns: the one place where the parts that a turn works with come together."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from translate.values import AnswerFormat, ApiError, ChatMessage
from turns.drawing import DrawingRunner
from turns.follow_ups import FollowUps, GptActions
from turns.moving import MovingRunner
from turns.parts import Runner, TurnParts, TurnRequest, nothing
from turns.runner import TurnRunner


class TurnFactory:
    """Makes turns that work with `parts`, and follow up as the settings say; see `FollowUps`."""

    def __init__(self, parts: TurnParts, *, continue_limit: int, actions: GptActions) -> None:
        self._parts = parts
        self._continue_limit = continue_limit
        self._actions = actions

    def expect(self) -> None:
        """A turn will be asked for soon: have the backend's connection opened while the request is read."""
        self._parts.conversations.warm()

    async def count_tokens(self, messages: Sequence[ChatMessage], slug: str) -> int:
        """The tokens that messages would have if they were sent to the model that the backend calls `slug`;
        see `TokenCounter.count_prompt`.
        """
        parts = self._parts
        return await parts.tokens.count_prompt(parts.preparation.formed(messages), slug)

    def turn(self, request: TurnRequest, format: AnswerFormat) -> Runner:
        """One turn, written to `format`; for a key of this service, on any of its accounts."""
        if request.caller.grant is None:
            return self._on_one_account(request, format)
        prepared, request = request.on_prepared, replace(request, on_prepared=nothing)
        parts = self._parts
        return MovingRunner(
            lambda avoid: self._on_one_account(request, format, avoid),
            parts.renewed,
            parts.metrics.accounts.moved,
            prepared,
        )

    def _on_one_account(
        self, request: TurnRequest, format: AnswerFormat, avoid: frozenset[str] = frozenset()
    ) -> TurnRunner:
        follow_ups = FollowUps(
            continue_limit=self._continue_limit,
            actions=self._actions,
            wishes=self._parts.preparation.wishes(request.prompt),
        )
        return TurnRunner(self._parts, request, format, follow_ups, avoid)

    def drawing(
        self,
        request: TurnRequest,
        format: AnswerFormat,
        wanted: int,
        nothing_drawn: Callable[[str], ApiError],
    ) -> DrawingRunner:
        """As many turns as it takes for so many pictures; see `DrawingRunner`."""
        return DrawingRunner(lambda: self.turn(request, format), wanted, nothing_drawn)
