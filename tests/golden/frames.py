"""Reads recorded WebSocket frames as the reader of a socket does."""

from collections.abc import Iterator, Sequence

from translate.backend.websocket_frames import EndFinder, Frame, MissingFrames, StartFinder, read_frame
from translate.backend.websocket_frames import FrameSequence as FrameNumbers


def bodies(frames: Sequence[str | bytes]) -> Iterator[bytes]:
    """The pieces of the event stream in `frames`, up to its end. A gap in the numbers is skipped."""
    numbers, end, start = FrameNumbers(), EndFinder(), StartFinder()
    starts_at_the_beginning: bool | None = None
    for message in frames:
        frame = read_frame(message)
        if not isinstance(frame, Frame):
            continue
        try:
            if not numbers.accept(frame.sequence):
                continue
        except MissingFrames:
            numbers.skip_to(frame.sequence)
        numbers.acknowledgement()
        if starts_at_the_beginning is None:
            starts_at_the_beginning = start.judge(frame.body)
        yield frame.body
        if end.found(frame.body) or not frame.more:
            return
