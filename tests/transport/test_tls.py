"""Sessions of servers that are kept."""

import ssl
from typing import cast

from transport.origin import Origin
from transport.tls import MOST_SESSIONS, Sessions, client_context


def origin(number: int) -> Origin:
    return Origin(True, f"host-{number}.example", 443)


def session() -> ssl.SSLSession:
    """Something that stands for one."""
    return cast(ssl.SSLSession, object())


def test_sessions_of_so_many_servers_are_kept_and_the_oldest_are_dropped() -> None:
    sessions = Sessions(client_context())
    kept = {number: session() for number in range(MOST_SESSIONS + 2)}
    for number in range(MOST_SESSIONS):
        sessions.keep(origin(number), kept[number])
    sessions.keep(origin(0), kept[0])  # which makes it the newest
    for number in (MOST_SESSIONS, MOST_SESSIONS + 1):
        sessions.keep(origin(number), kept[number])
    gone = [number for number in kept if sessions.take(origin(number)) is not kept[number]]
    assert gone == [1, 2]


def test_session_serves_one_connection() -> None:
    sessions, given = Sessions(client_context()), session()
    sessions.keep(origin(1), given)
    assert sessions.take(origin(1)) is given
    assert sessions.take(origin(1)) is None
