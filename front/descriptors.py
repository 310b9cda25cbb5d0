"""Open files: how many the process may have, and how many connections that allows."""

import logging
import resource
from typing import Final

log = logging.getLogger("pandora")

RESERVED: Final = 64
"""For everything that is neither a client nor a conversation: logs, the ledger, stored files, Redis, DNS."""
FEWEST: Final = 16
"""Connections without which there is no point in starting."""
PLENTY: Final = 1 << 20


class TooFewDescriptors(Exception):
    """The process may open too few files to serve anybody."""


def raise_descriptor_limit() -> int:
    """Raise the limit of open files to what the system allows, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = PLENTY if hard == resource.RLIM_INFINITY else hard
    if soft not in (resource.RLIM_INFINITY, wanted):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (ValueError, OSError) as error:  # macOS has a lower limit beside this one
            log.debug("the limit of open files stays at %d: %s", soft, error)
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return PLENTY if soft == resource.RLIM_INFINITY else soft


def connection_limit(descriptors: int, *, max_connections: int, max_concurrent: int) -> int:
    """How many connections of clients can be open, when each of `max_concurrent` answers needs one more.

    If there are not enough descriptors for all of that, clients and the backend get half of them each, and
    the log says so.

    Raises:
        TooFewDescriptors: it would be next to none.
    """
    spare = descriptors - RESERVED
    upstream = min(max_concurrent, spare // 2)
    connections = min(max_connections, spare - upstream)
    needed = RESERVED + max_connections + max_concurrent
    if connections < FEWEST:
        raise TooFewDescriptors(
            f"the process may open {descriptors} files, which is too few: raise the limit (ulimit -n) to "
            f"{needed}."
        )
    if descriptors < needed:
        log.warning(
            "the process may open %d files; MAX_CONNECTIONS=%d and MAX_CONCURRENT=%d need %d (ulimit -n): "
            "at most %d connections are open at once",
            descriptors, max_connections, max_concurrent, needed, connections,
        )  # fmt: skip
    return connections
