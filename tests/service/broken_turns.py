"""A bug of ours, put into the service where turns are made."""

from collections.abc import Callable
from dataclasses import replace

from handlers import AppParts
from translate.values import AnswerEnd, AnswerFormat, ApiError, Event
from turns import DrawingRunner, Runner, TurnFactory, TurnRequest

BUG = "canary of the inside"


class _BrokenFormat:
    """A format whose `encode` raises after so many events."""

    def __init__(self, format: AnswerFormat, events: int) -> None:
        self.streams = format.streams
        self.content_type = format.content_type
        self._format = format
        self._left = events

    def open(self) -> bytes:
        return self._format.open()

    def encode(self, event: Event) -> bytes:
        if not self._left:
            raise KeyError(BUG)
        self._left -= 1
        return self._format.encode(event)

    def idle(self, *, visible: bool) -> bytes:
        return self._format.idle(visible=visible)

    def fail(self, error: ApiError) -> bytes:
        return self._format.fail(error)

    def finish(self, end: AnswerEnd) -> bytes:
        return self._format.finish(end)


class _BrokenTurns(TurnFactory):
    """Makes turns that raise after so many events."""

    def __init__(self, turns: TurnFactory, events: int) -> None:
        self._turns = turns
        self._events = events

    def expect(self) -> None:
        """Nothing to prepare."""

    def turn(self, request: TurnRequest, format: AnswerFormat) -> Runner:
        return self._turns.turn(request, _BrokenFormat(format, self._events))

    def drawing(
        self,
        request: TurnRequest,
        format: AnswerFormat,
        wanted: int,
        nothing_drawn: Callable[[str], ApiError],
    ) -> DrawingRunner:
        return self._turns.drawing(request, _BrokenFormat(format, self._events), wanted, nothing_drawn)


def broken_after(events: int) -> Callable[[AppParts], AppParts]:
    """For `deployed`: each answer meets a bug after so many events."""

    def adapt(parts: AppParts) -> AppParts:
        broken = _BrokenTurns(parts.answers.turns, events)
        return replace(parts, answers=replace(parts.answers, turns=broken))

    return adapt
