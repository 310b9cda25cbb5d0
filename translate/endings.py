"""How an exchange ends: the event that says so, once nothing more of its stream is read.

What must be shown or decided before is done on the way; only how the turn stands is left to the caller.
"""

from typing import Final

from translate.backend import Interpreter
from translate.bounds import Bounds
from translate.growing_text import GrowingText
from translate.keeping import Keeping
from translate.stream_reader import DAMAGED, Halt, StreamReader
from translate.text import Renderer
from translate.values import (
    ApiError,
    Elsewhere,
    ElsewhereKind,
    ExchangeEnded,
    Failed,
    GoesOn,
    UpstreamFailed,
    UpstreamTimeout,
)

UNFOLLOWED: Final = {
    ElsewhereKind.HANDOFF: "The answer goes on elsewhere on the backend, and could not be followed there",
    ElsewhereKind.PRO: "The model still thinks, and its answer could not be waited for",
    ElsewhereKind.PICTURE: "The picture that was announced has not come",
    ElsewhereKind.RESEARCH: "The research still runs, and its report could not be waited for",
}
"""Why a turn fails that is not followed; where its stream broke, it fails with that."""
SPENT: Final = "see conversation {}. The message counts as spent."
SILENT: Final = "The backend ended the turn without an answer."
CUT_OFF: Final = "The upstream connection ended in mid-answer."

Ending = GoesOn | ExchangeEnded | Failed
"""What the present stream, or the exchange, ends with."""


class Endings:
    """Gives the ending that follows from what has happened.

    A good one is given only if nothing of the answer may be missing and the bounds of the turn are kept;
    where the answer is not what it has to be, with a question that the backend is to be asked.
    """

    __slots__ = (
        "_bounds",
        "_guessed",
        "_interpreter",
        "_keeping",
        "_reader",
        "_renderer",
        "_text",
        "_unfollowed",
    )

    def __init__(
        self,
        interpreter: Interpreter,
        renderer: Renderer,
        reader: StreamReader,
        text: GrowingText,
        keeping: Keeping,
        bounds: Bounds,
    ) -> None:
        self._interpreter = interpreter
        self._renderer = renderer
        self._reader = reader
        self._text = text
        self._keeping = keeping
        self._bounds = bounds
        self._unfollowed: ApiError | None = None  # why it fails if it is not followed elsewhere
        self._guessed = False  # that it goes on elsewhere, as nothing of an answer came

    def after(self, met: Halt | ApiError, lost: ApiError | None) -> Ending | None:
        """The reader has met this, which is no picture; `lost` says how the stream broke, if it has.

        None if a picture must be supplied first: then ask again.
        """
        if isinstance(met, ApiError):
            return Failed(met)
        if met is Halt.ENOUGH:
            return self._after_enough()
        if self._reader.wants_picture:
            return None
        if met is Halt.DONE:
            return self._after_done()
        if met is Halt.LEFT:
            return self._after_leaving()
        return self._after_input(lost)

    def without_rest(self, *, timed_out: bool) -> Ending:
        """After `GoesOn`: the rest cannot be had, or not in time."""
        error, silent = self._unfollowed or UpstreamFailed(SILENT), self._reader.is_silent
        if silent and self._guessed:
            self._renderer.render_all(self._interpreter.fall_back())
        if silent and not self._reader.is_silent:
            return self._well(ExchangeEnded())
        return Failed(UpstreamTimeout(error.message, should_retry=False) if timed_out else error)

    def _after_enough(self) -> Ending:
        """Nothing more is wanted."""
        self._interpreter.facts.finish_reason = "stop"
        return self._well(ExchangeEnded())

    def _after_input(self, lost: ApiError | None) -> Ending | None:
        facts = self._interpreter.facts
        if facts.end_turn or facts.stream_complete or facts.confirmation is not None:
            return self._after_done()
        if lost is None and facts.answering:
            lost = UpstreamFailed(CUT_OFF, should_retry=False)
        elif lost is None:
            lost = UpstreamFailed("The backend closed the stream without an answer.")
        if (elsewhere := self._reader.elsewhere(broken=True)) is not None:
            return self._go_on(elsewhere, lost)
        return Failed(lost)

    def _after_done(self) -> Ending | None:
        facts, reader = self._interpreter.facts, self._reader
        if (elsewhere := reader.elsewhere(broken=False)) is not None:
            why = SILENT if reader.is_silent else CUT_OFF
            return self._go_on(elsewhere, UpstreamFailed(why, should_retry=False))
        self._renderer.render_all(self._interpreter.release())
        if reader.wants_picture:
            return None  # a preview of which nothing better has come
        if self._interpreter.damage.pending:
            return Failed(UpstreamFailed(DAMAGED, should_retry=False))
        if reader.is_silent:
            self._renderer.render_all(self._interpreter.fall_back())
        if reader.is_silent and facts.finish_reason != "content_filter" and facts.confirmation is None:
            return Failed(UpstreamFailed(SILENT, should_retry=False))
        if self._text.is_enough:
            return self._after_enough()
        known = bool(facts.conversation_id)
        cut = facts.finish_reason == "length" and bool(facts.last_message_id)
        confirmation = facts.confirmation if known else None
        return self._well(ExchangeEnded(confirmation, cut=known and cut and confirmation is None))

    def _after_leaving(self) -> Ending | None:
        self._renderer.render_all(self._interpreter.release())
        if self._reader.wants_picture:
            return None  # a preview of which nothing better has come
        return self._well(ExchangeEnded())

    def _well(self, ended: ExchangeEnded) -> Ending:
        """The exchange ends so, if the answer may end well."""
        if self._interpreter.damage.pending:
            return Failed(UpstreamFailed(DAMAGED, should_retry=False))
        if (failure := self._bounds.failure(self._reader.dialect)) is not None:
            return Failed(failure)
        if not (self._keeping.decided or ended.cut or ended.confirmation):
            return ExchangeEnded(question=self._keeping.decide())
        return ended

    def _go_on(self, elsewhere: Elsewhere, lost: ApiError) -> GoesOn:
        """The rest is elsewhere. Without it the turn fails: with `lost` where the backend did not say so."""
        self._unfollowed = lost
        handed_off = self._interpreter.whereabouts.handed_off
        self._guessed = elsewhere.kind is ElsewhereKind.HANDOFF and not handed_off
        if elsewhere.kind in UNFOLLOWED and not self._guessed:
            why = f"{UNFOLLOWED[elsewhere.kind]}; {SPENT.format(elsewhere.conversation_id)}"
            self._unfollowed = UpstreamFailed(why, should_retry=False)
        return GoesOn(elsewhere)
