"""Conversations with the backend, however their answers come: as event streams or over WebSockets."""

from typing import Final

from accounts import Credential
from translate.backend import PostedConversation, read_handover
from upstream.http import API, ConnectFailed, Exchange, HttpClient, OnData
from upstream.socket import AccountSockets, SocketDelivery

CONVERSATION_PATH: Final = f"{API}/conversation"


class ConversationClient:
    """Holds conversations through an HTTP client, and through WebSockets for the accounts that need one."""

    def __init__(self, http: HttpClient, sockets: AccountSockets) -> None:
        self._http = http
        self._sockets = sockets
        self._under_way: set[Exchange] = set()

    def warm(self) -> None:
        """A conversation will be posted soon: have a connection for it opened meanwhile."""
        self._http.warm()

    async def converse(
        self, credential: Credential, posted: PostedConversation, on_data: OnData, exchange: Exchange
    ) -> None:
        """POST a conversation and feed its event stream to `on_data` until the stream has ended.

        `on_data` is called for each piece, cut anywhere, and nothing more is read before what it returns is
        done; see `HttpClient.stream` for what it may do. Where a piece held something new, it calls
        `exchange.progressed()`: a backend that sends nothing new for too long is given up.

        If the answer is JSON that hands over to a WebSocket (protocol notes, section 12), the stream comes
        from there, with the same limits and the same end. Whoever stops it then has the backend told so.

        Raises:
            UpstreamError: one of its leaves; `ResponseRefused` for any other answer.
            ValueError: the credential can't travel in a header.
        """
        transport = exchange.begin()
        delivery = SocketDelivery(self._sockets, credential, posted, transport)
        self._under_way.add(exchange)
        try:
            frame_id = await delivery.prepare()
            try:
                answer = await self._http.stream(
                    CONVERSATION_PATH, credential, posted.encode(frame_id), on_data, transport
                )
            except ConnectFailed:
                delivery.not_accepted()
                raise
            finally:
                if transport.streaming:
                    delivery.answered_directly()
            if answer is None:
                return
            handover = read_handover(answer.body) if answer.successful else None
            if handover is None:
                delivery.not_accepted()
                raise answer.refusal()
            transport.handed_over = True
            await delivery.follow(handover, on_data, self._http.timeouts)
        finally:
            self._under_way.discard(exchange)
            await delivery.end()

    def secrets(self, credential: Credential) -> tuple[str, ...]:
        """What must not be quoted from anything that the backend says to this credential."""
        return self._http.secrets(credential)

    def close(self) -> None:
        """Abort all conversations and close all sockets at once. The HTTP client is closed after this."""
        for exchange in tuple(self._under_way):
            exchange.abort()
        self._sockets.close()
