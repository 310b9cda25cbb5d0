"""TLS over a channel, without sockets of its own, so that it goes through a proxy too."""

import ssl
from collections.abc import Callable
from typing import Final, Self

from transport.channel import Channel, Taken
from transport.origin import Origin

RECORD_BYTES: Final = 16 * 1024
"""Most that one TLS record holds."""
MOST_SESSIONS: Final = 32
"""Servers whose sessions are kept: the backend, a proxy, hosts of files."""


def client_context() -> ssl.SSLContext:
    """How servers are checked: their names, and their certificates by the system's authorities.

    One is enough for all connections of a client, and making one costs more than a handshake.
    """
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


class Sessions:
    """What servers gave us to be known by next time, which makes a handshake shorter and far cheaper.

    A ticket serves one connection (RFC 8446, appendix C.4), which brings the next one.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self.context = context
        """How servers are checked. One that knows us was checked when it came to do so."""
        self._kept: dict[Origin, ssl.SSLSession] = {}  # the oldest first

    def take(self, origin: Origin) -> ssl.SSLSession | None:
        """For one connection to this server."""
        return self._kept.pop(origin, None)

    def keep(self, origin: Origin, session: ssl.SSLSession) -> None:
        """For the next connection to this server."""
        self._kept.pop(origin, None)
        self._kept[origin] = session
        if len(self._kept) > MOST_SESSIONS:
            del self._kept[next(iter(self._kept))]


class TlsChannel:
    """Everything in a channel, encrypted."""

    __slots__ = ("_content", "_incoming", "_inner", "_origin", "_outgoing", "_sessions", "_tls")

    def __init__(self, inner: Channel, sessions: Sessions, origin: Origin) -> None:
        self._inner = inner
        self._sessions: Sessions | None = sessions  # until it has the one of this connection
        self._content = b""  # decrypted in the loop, for the task that waits
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._origin = origin
        self._tls = sessions.context.wrap_bio(
            self._incoming, self._outgoing, server_hostname=origin.host, session=sessions.take(origin)
        )

    @classmethod
    async def open(cls, inner: Channel, sessions: Sessions, origin: Origin) -> Self:
        """Shake hands with this server. Raises OSError, of which `ssl.SSLError` is a kind."""
        channel = cls(inner, sessions, origin)
        while True:
            try:
                channel._tls.do_handshake()
            except ssl.SSLWantReadError:
                channel._flush()
            except ssl.SSLError:
                channel._flush()  # tells the server why
                raise
            else:
                channel._flush()
                return channel
            channel._fill(await inner.receive())

    @property
    def unsent(self) -> bool:
        """See `Channel`."""
        return self._inner.unsent

    async def receive(self, taken: Taken | None = None) -> bytes:
        """See `Channel`."""

        def decrypted(data: bytes) -> bool:
            self._fill(data)
            content = self._decrypt()
            if content is None or (content and taken is not None and taken(content)):
                return True
            self._content = content
            return False

        content = self._decrypt()
        while content is None or (content and taken is not None and taken(content)):
            if await self._inner.receive(decrypted):
                content, self._content = self._content, b""
                break
            self._fill(b"")
            content = self._decrypt()
        return content

    def take(self) -> bytes | None:
        """See `Channel`."""
        if (data := self._inner.take()) is None:
            return None
        self._fill(data)
        return self._decrypt()

    def when_readable(self, stirred: Callable[[], None]) -> None:
        """See `Channel`. It may be called for what holds no content, such as tickets of a session."""
        self._inner.when_readable(stirred)

    def write(self, data: bytes) -> bool:
        """See `Channel`."""
        self._tls.write(data)
        return self._flush()

    def close(self) -> None:
        """See `Channel`. Closes without a farewell, for which there is nobody to wait."""
        self._inner.close()

    def _fill(self, data: bytes) -> None:
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def _flush(self) -> bool:
        return bool(self._outgoing.pending) and self._inner.write(self._outgoing.read())

    def _decrypt(self) -> bytes | None:
        """All that can be read now; None if more must come first, b"" at the end, properly or not."""
        records: list[bytes] = []
        try:
            while record := self._tls.read(RECORD_BYTES):
                records.append(record)
        except ssl.SSLWantReadError:
            if self._outgoing.pending:
                self._flush()
            if not records:
                return None
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            pass
        if self._sessions is not None and (session := self._tls.session) is not None:
            self._sessions.keep(self._origin, session)  # its ticket comes before any content
            self._sessions = None
        return records[0] if len(records) == 1 else b"".join(records)
