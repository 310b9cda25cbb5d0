"""Puts together what plays a turn: dialect, framing, player."""

from collections.abc import Callable

from simulator.dialects import Dialect
from simulator.dialects.delta import DeltaDialect
from simulator.dialects.snapshot import SnapshotDialect
from simulator.framing import Framer
from simulator.player import Player
from simulator.state import StreamSeen
from simulator.turn import Turn
from simulator.wire import Wire


def player_for(turn: Turn, wire: Wire, seen: StreamSeen, clock: Callable[[], float]) -> Player:
    """The player of ``turn`` on ``wire``."""
    knobs, age = turn.knobs, turn.age
    usual_padding = age.delta_padding if turn.dialect == "delta" else age.padding
    framer = Framer(
        knobs.newline,
        usual_padding if knobs.padding is None else knobs.padding,
        comments=knobs.comments,
        lagging=knobs.unterminated and not knobs.done,
    )
    return Player(knobs, _dialect(turn), framer, wire, turn.conversation, seen, clock)


def _dialect(turn: Turn) -> Dialect:
    knobs = turn.knobs
    if turn.dialect == "delta":
        return DeltaDialect(turn.conversation.id, turn.age, escape=knobs.ascii, surrogates=knobs.surrogates)
    return SnapshotDialect(turn.conversation.id, turn.age, escape=knobs.ascii, fffd=knobs.fffd)
