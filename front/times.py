"""How long clients may take for what is not an answer."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConnectionTimes:
    """Limits, in seconds.

    `silent` is how long a new connection may say nothing, `idle` how long one may on which a request was
    answered, `head` the time from the first byte of a request to the end of its headers, `body` the time
    for its body. `linger` is how long a client may still send after it was refused, so that it gets to
    read why.
    """

    silent: float = 15.0
    idle: float = 75.0
    head: float = 15.0
    body: float = 120.0
    linger: float = 1.0
