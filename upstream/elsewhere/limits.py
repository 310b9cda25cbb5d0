"""How long, how often and in which pace an answer is looked for elsewhere."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, repeat

from translate.values import ElsewhereKind
from upstream.http import Timeouts


@dataclass(frozen=True, slots=True)
class Paces:
    """Seconds before each look at a stored conversation; the last one goes on.

    The backend refuses whoever reads too often, so a text is looked for as the apps do, a picture every few
    seconds, and a research once a minute. With anything new in a text its paces begin again.
    """

    text: tuple[float, ...] = (1.0, 2.0, 3.0, 5.0, 8.0, 10.0)
    picture: tuple[float, ...] = (2.0, 2.0, 3.0, 3.0, 4.0)
    research: tuple[float, ...] = (5.0, 20.0, 60.0)
    hidden: tuple[float, ...] = (0.5, 1.0, 1.5, 2.0, 3.0)
    """Of a text whose conversation is not shown: just after its beginning that passes within seconds."""
    refused: float = 60.0
    """At least so long after a look that was refused for there being too many, unless it says how long."""


@dataclass(frozen=True, slots=True)
class FollowLimits:
    """Limits in seconds. `research`, `pro` and `picture` are for the whole wait, 0 is not to wait at all.

    A socket is given up after `first_item` without anything, and later after the silence of any stream. A
    way that has failed is tried again after `retry`, half as long again each time, up to `longest_retry`.
    """

    research: float = 3600.0
    pro: float = 1800.0
    picture: float = 300.0
    first_item: float = 15.0
    retry: float = 0.3
    longest_retry: float = 5.0
    paces: Paces = field(default_factory=Paces)

    def waits_for(self, kind: ElsewhereKind) -> bool:
        """Whether such an answer is waited for."""
        return self._of(kind) != 0.0

    def timeouts(self, kind: ElsewhereKind, usual: Timeouts) -> Timeouts:
        """The limits of following an answer of this kind, given those of any exchange."""
        own = self._of(kind)
        # Each way sees to its own silence; long tasks may say nothing at all for as long as they take.
        return replace(usual, idle=0.0) if own is None else replace(usual, idle=0.0, progress=0.0, total=own)

    def looks(self, kind: ElsewhereKind) -> Iterator[float]:
        """The pauses before the looks at a stored conversation."""
        paces = self.paces
        own = {ElsewhereKind.PICTURE: paces.picture, ElsewhereKind.RESEARCH: paces.research}
        chosen = own.get(kind, paces.text)
        return chain(chosen, repeat(chosen[-1]))

    def _of(self, kind: ElsewhereKind) -> float | None:
        own = {
            ElsewhereKind.RESEARCH: self.research,
            ElsewhereKind.PRO: self.pro,
            ElsewhereKind.PICTURE: self.picture,
        }
        return own.get(kind)
