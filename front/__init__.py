"""The front door: listening, accepting, connections, and what HTTP itself can get wrong.

What a request means is the business of `handlers`.
"""

from front.descriptors import TooFewDescriptors, connection_limit, raise_descriptor_limit
from front.door import FrontDoor
from front.listeners import Listeners, NotListening
from front.times import ConnectionTimes

__all__ = [
    "ConnectionTimes",
    "FrontDoor",
    "Listeners",
    "NotListening",
    "TooFewDescriptors",
    "connection_limit",
    "raise_descriptor_limit",
]
