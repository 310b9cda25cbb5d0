"""How long clients may take for what is not an answer."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConnectionTimes:
    """Limits, in seconds.

    `silent` is how long a new connection may say nothing, `idle` how long one may on which a request was
    answered, `head` the time from the first byte of a request to the end of its headers, `body` the time
    for its body. `linger` is how long a client may still send after it was refused, or has got its last
    answer, so that it gets to read that. `last` is how long each client that is connected may take for one
    more request once the end has begun. While there are too many connections, a client may send nothing for
    `spared` before a request and for `stalled` within one, before another client gets its place.
    """

    silent: float = 15.0
    idle: float = 75.0
    head: float = 15.0
    body: float = 120.0
    linger: float = 1.0
    last: float = 1.0
    spared: float = 0.5
    stalled: float = 5.0
