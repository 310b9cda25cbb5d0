"""Which side request a request is, if it is one."""

from collections.abc import Collection, Sequence

from translate.sides.shapes import Shape
from translate.sides.table import SHAPES
from translate.values import ChatMessage


def side_request(
    messages: Sequence[ChatMessage], tools: Collection[str] = (), *, streams: bool
) -> Shape | None:
    """The shape of the side request with these messages, at least one, and tools of these names; None for a
    person's own request.
    """
    return next((shape for shape in SHAPES if shape.fits(messages, tools, streams=streams)), None)
