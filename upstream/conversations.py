"""Conversations with the backend, however their answers come: as event streams or over WebSockets.

Backends of today have a route `f/conversation`, with a preflight; all have had `conversation` since 2023.
Which one is there is found out by posting to the first: only an answer that proves that nothing was read
there sends the message to the other one (protocol notes, section 20.1).
"""

from collections.abc import Callable
from typing import Final

from accounts import Credential, KeyKind
from translate.backend import PostedConversation, read_handover
from translate.values import Elsewhere, JsonObject
from upstream.absent import may_be_absent
from upstream.elsewhere import Follower, FollowLimits, Reader, UserSockets
from upstream.http import (
    API,
    ConnectFailed,
    Exchange,
    HttpClient,
    JsonAnswer,
    OnData,
    RouteMemory,
    TransportSide,
)
from upstream.preflight import NO_PREFLIGHT, SECONDS, Preflight, begin
from upstream.socket import AccountSockets, SocketDelivery

CONVERSATION_PATH: Final = f"{API}/conversation"
PATH_OF_TODAY: Final = f"{API}/f/conversation"


DEFAULT_FOLLOW_LIMITS: Final = FollowLimits()


class ConversationClient:
    """Holds conversations through an HTTP client, and through WebSockets for the accounts that need one.

    Without `of_today`, the routes that only backends of today have are not asked for. A preflight takes at
    most `preflight_seconds`. Answers that go on elsewhere are followed within `follow_limits`.
    """

    def __init__(
        self,
        http: HttpClient,
        sockets: AccountSockets,
        *,
        follow_limits: FollowLimits = DEFAULT_FOLLOW_LIMITS,
        of_today: bool = False,
        preflight_seconds: float = SECONDS,
    ) -> None:
        self._http = http
        self._sockets = sockets
        self._user_sockets = UserSockets(http)
        self._follower = Follower(http, self._user_sockets, follow_limits)
        self._preflight_seconds = preflight_seconds
        self._route = RouteMemory(offered=of_today)
        self._preflight_route = RouteMemory(offered=of_today)
        self._under_way: set[Exchange] = set()

    def warm(self) -> None:
        """A conversation will be posted soon: have a connection for it opened meanwhile."""
        self._http.warm()

    def preflight(self, credential: Credential, about: Callable[[], JsonObject]) -> Preflight:
        """Tell the backend that a conversation will be posted, if it wants to know; returns at once.

        `about` makes the body, see `translate.backend.preflight`. With the key of a pool nothing is told: the
        message may reach another account.
        """
        routes = self._route, self._preflight_route
        if credential.kind is KeyKind.POOL or not all(route.may_be_there for route in routes):
            return NO_PREFLIGHT
        return begin(self._http, self._preflight_route, credential, about(), self._preflight_seconds)

    async def converse(
        self,
        credential: Credential,
        posted: PostedConversation,
        on_data: OnData,
        exchange: Exchange,
        preflight: Preflight = NO_PREFLIGHT,
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
        transport.conduit = preflight.conduit or ""
        delivery = SocketDelivery(self._sockets, credential, posted, transport)
        self._under_way.add(exchange)
        try:
            frame_id = await delivery.prepare()
            try:
                answer = await self._post(credential, posted, frame_id, on_data, transport, preflight)
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

    async def _post(
        self,
        credential: Credential,
        posted: PostedConversation,
        frame_id: str,
        on_data: OnData,
        transport: TransportSide,
        preflight: Preflight,
    ) -> JsonAnswer | None:
        """POST it where the backend reads it; see `HttpClient.stream`."""
        tried = self._route.may_be_there
        if tried:
            answer = await self._http.stream(
                PATH_OF_TODAY,
                credential,
                posted.encode_for_today(frame_id, prepared=preflight.conduit is not None),
                on_data,
                transport,
                extra_headers=preflight.headers,
            )
            if answer is None or not may_be_absent(answer):
                return answer
            transport.begin_again()
            self._route.leave_out()
        answer = await self._http.stream(
            CONVERSATION_PATH, credential, posted.encode(frame_id), on_data, transport
        )
        if tried and answer is not None and may_be_absent(answer):
            self._route.leave_out(0)  # it proves nothing: the older one is not there either
        return answer

    async def follow(
        self, credential: Credential, posted: PostedConversation, reader: Reader, exchange: Exchange
    ) -> None:
        """Once `converse` has ended: have the reader read the rest of an answer that goes on elsewhere.

        It is the same exchange, and nothing is posted again; see `Follower.follow`. An answer that is not
        waited for is left where it is.

        Raises:
            UpstreamError: one of its leaves; the reader has not got the whole answer.
        """
        self._under_way.add(exchange)
        try:
            await self._follower.follow(credential, posted.parent_message_id, reader, exchange)
        finally:
            self._under_way.discard(exchange)

    async def stop(self, credential: Credential, elsewhere: Elsewhere) -> None:
        """Nobody waits for an answer that goes on elsewhere: have the backend stop. Raises nothing."""
        await self._follower.stop(credential, elsewhere.conversation_id)

    def secrets(self, credential: Credential) -> tuple[str, ...]:
        """What must not be quoted from anything that the backend says to this credential."""
        return self._http.secrets(credential)

    def close(self) -> None:
        """Abort all conversations and close all sockets at once. The HTTP client is closed after this."""
        for exchange in tuple(self._under_way):
            exchange.abort()
        self._sockets.close()
        self._user_sockets.close()
