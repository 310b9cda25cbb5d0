"""Side requests: what chat front ends and agents ask by themselves, beside what the person asks, such as a
title for the conversation. They are recognised by their shape, never by a model.
"""

from translate.sides.recognise import side_request
from translate.sides.shapes import Mark, Shape, SideTask
from translate.sides.table import SHAPES

__all__ = ["SHAPES", "Mark", "Shape", "SideTask", "side_request"]
