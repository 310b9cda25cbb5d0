"""The text of a message that grows: what of it goes by unread, and what is looked at.

Plain pieces go into the answer as they came, escaped, as long as nobody has to look at them: neither the
filters of the message and of the answer, nor the contract that the answer has to keep to. Most text is such.
"""

import json
from bisect import bisect_right
from itertools import accumulate
from typing import cast

from translate.backend import FastPath, SseSplitter, is_plain
from translate.bounds import Bounds
from translate.text import (
    COLON,
    ENDS_OF_SPACES,
    LOOSE_HINT,
    TAG_HINT,
    AnswerBuilder,
    Grew,
    Message,
    Renderer,
    shorten,
    unescaped,
    without_space,
)
from translate.values import Contract


class GrowingText:
    """Adds what lengthens a message to the answer: to `builder` where it goes by unread, else by `renderer`.

    `bounds` learn of everything but plain growth.
    """

    __slots__ = (
        "_bounds",
        "_builder",
        "_contract",
        "_heeds_loose",
        "_passes",
        "_renderer",
        "_space",
        "_spaced",
        "_waits",
    )

    def __init__(
        self, builder: AnswerBuilder, renderer: Renderer, contract: Contract | None, bounds: Bounds
    ) -> None:
        self._builder = builder
        self._renderer = renderer
        self._contract = contract
        self._bounds = bounds
        self._passes = False  # plain growth may go by without a look
        self._heeds_loose = False  # but for loose marks
        self._waits = False  # plain growth waits for what comes behind it, and may do so joined
        self._space = b""  # white space at the end of plain text that goes by the contract, and its message
        self._spaced: Message | None = None

    @property
    def is_enough(self) -> bool:
        """A stop sequence was met, or the contract wants nothing more: the exchange is over."""
        return self._builder.stopped or (self._contract is not None and self._contract.done)

    def look(self, message: Message | None) -> None:
        """Text was shown or held back: look again whether plain growth of `message` may go by.

        That is the message that is growing, if one is.
        """
        self._passes = (
            message is not None and not message.source.held and self._renderer.passes_through(message)
        )
        self._heeds_loose = self._passes and self._renderer.heeds_loose_marks
        self._waits = not self._passes and message is not None and self._renderer.waits(message)

    def take(self, message: Message, sse: SseSplitter, fast_path: FastPath) -> bool:
        """Take all records that do nothing but lengthen the text of `message`, the one that is growing.

        Return whether it is enough; what comes next, if anything is left, is another record.
        """
        builder, contract, source = self._builder, self._contract, message.source
        while True:
            if self._passes and (pieces := fast_path.take_plain(sse)):
                joined = pieces[0] if len(pieces) == 1 else b"".join(pieces)
                if (self._heeds_loose and (joined[0] == COLON or LOOSE_HINT.search(joined))) or (
                    contract is not None and TAG_HINT.search(joined)
                ):
                    if self._take_warily(message, pieces):
                        return True
                elif contract is None:
                    source.pass_unread(joined)
                    builder.add_unread(pieces, joined)
                else:
                    self._pass(message, pieces)
            elif self._waits and (pieces := fast_path.take_plain(sse)):
                joined = b"".join(pieces)
                self._bounds.more_kept = True
                self._renderer.render(Grew(message, source.grow(joined, unescaped(joined))))
                if self.is_enough:
                    return True
                self.look(message)
            if sse.pos == len(sse.buffer) or (taken := fast_path.take(sse)) is None:
                return False
            if self._space:
                self.release_space()
            if shown := source.grow(*taken):
                self._renderer.render(Grew(message, shown))
            self._bounds.more_kept = True
            if self.is_enough:
                return True
            self.look(message)

    def grow(self, message: Message, piece: str) -> None:
        """The text of `message` grows by a piece that was parsed."""
        escaped, source = json.dumps(piece)[1:-1].encode(), message.source
        passes = self._passes and piece and not source.is_behind and is_plain(escaped)
        if passes and self._wary([escaped]) == [1]:
            self._pass(message, [escaped])
        elif shown := source.grow(escaped, piece):
            self._renderer.render(Grew(message, shown))

    def release_space(self) -> None:
        """What follows the white space that waits, if any does, has to be looked at."""
        if self._space:
            space, self._space = self._space, b""
            message = cast(Message, self._spaced)
            self._feed(message, space)
            self.look(message)

    def _take_warily(self, message: Message, pieces: list[bytes]) -> bool:
        """Take plain pieces of which some may hold a loose mark, or matter to the contract. Return whether
        it is enough.
        """
        at, wary = 0, self._wary(pieces)  # which stays so: no plain piece begins or ends code
        while at < len(pieces):
            if self._passes:
                while wary[-1] < at:
                    wary.pop()
                if (end := wary[-1]) > at:
                    self._pass(message, pieces[at:end])
                    at = end
                    continue
            self.release_space()
            self._feed(message, pieces[at])
            at += 1
            if self.is_enough:
                return True
            self.look(message)
        return False

    def _wary(self, pieces: list[bytes]) -> list[int]:
        """Which of the plain pieces must not go by without a look where any may: the last one first, and
        before all of them the end.
        """
        heeds_loose = self._heeds_loose
        wary = {
            at
            for at, piece in enumerate(pieces)
            if heeds_loose and (piece[0] == COLON or LOOSE_HINT.search(piece) is not None)
        }
        if self._contract is not None:  # a tag may lie in several pieces
            ends = list(accumulate(map(len, pieces)))
            wary.update([bisect_right(ends, hint.start()) for hint in TAG_HINT.finditer(b"".join(pieces))])
        return [len(pieces), *sorted(wary, reverse=True)]

    def _pass(self, message: Message, pieces: list[bytes]) -> None:
        """Plain growth goes by unread; with a contract, white space at its end waits for what follows."""
        joined = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if self._contract is not None:
            if self._space:
                joined, pieces[0] = self._space + joined, self._space + pieces[0]
                self._space = b""
            if joined[-1] in ENDS_OF_SPACES and (end := without_space(joined)) < len(joined):
                if end < 0:
                    self._feed(message, joined)
                    self.look(message)
                    return
                self._space, self._spaced = joined[end:], message
                shorten(pieces, len(joined) - end)
                joined = joined[:end]
                if not joined:
                    return
        message.source.pass_unread(joined)
        self._builder.add_unread(pieces, joined)

    def _feed(self, message: Message, piece: bytes) -> None:
        self._bounds.more_kept = True
        self._renderer.render(Grew(message, message.source.grow(piece, unescaped(piece))))
