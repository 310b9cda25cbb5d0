"""The WebSocket of today: one for each user, shared by the turns that are followed on it, and no longer."""

import asyncio
from collections import deque
from collections.abc import Callable
from itertools import count

from accounts import Credential
from translate.backend import (
    TopicMessage,
    read_topics,
    read_user_socket,
    socket_greeting,
    topic_cancellation,
    topic_subscription,
)
from upstream.http import API, ConnectFailed, ConnectionLost, HttpClient, UpstreamError
from upstream.socket import BufferBudget, WebSocket

USER_SOCKET_PATH = f"{API}/celsius/ws/user"


class Subscription:
    """What has come of one topic and was not taken yet. `wake` is called when there is something new."""

    def __init__(self, topic_id: str, budget: BufferBudget, wake: Callable[[], None]) -> None:
        self.topic_id = topic_id
        self._budget = budget
        self._wake = wake
        self._messages: deque[tuple[TopicMessage, int]] = deque()
        self._size = 0
        self._failure: UpstreamError | None = None

    def append(self, message: TopicMessage, size: int) -> None:
        """Take a message of so many bytes, about; too many that nobody takes end the subscription."""
        if self._failure is not None:
            return
        if self._size + size > self._budget.per_buffer or size > self._budget.left:
            self.fail(ConnectionLost("body", "more has come over the WebSocket than is kept"))
            return
        self._messages.append((message, size))
        self._size += size
        self._budget.left -= size
        self._wake()

    def fail(self, error: UpstreamError) -> None:
        """Nothing more comes."""
        self._failure = self._failure or error
        self._wake()

    def take_all(self) -> list[TopicMessage]:
        """The messages that have come. Raises UpstreamError once all are taken and nothing more comes."""
        messages = [message for message, _ in self._messages]
        self.empty()
        if not messages and self._failure is not None:
            raise self._failure
        return messages

    def empty(self) -> None:
        """Drop what has come."""
        self._messages.clear()
        self._budget.left += self._size
        self._size = 0


class _UserSocket:
    """The socket of one user: connected for its first subscription, closed after the last one."""

    def __init__(self, http: HttpClient, credential: Credential) -> None:
        self._http = http
        self._credential = credential
        self._subscriptions: list[Subscription] = []
        self._numbers = count(2)
        self._socket: WebSocket | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def in_use(self) -> bool:
        """Somebody is subscribed."""
        return bool(self._subscriptions)

    def add(self, subscription: Subscription) -> None:
        """Subscribe."""
        self._subscriptions.append(subscription)
        if self._socket is not None:
            self._socket.write(topic_subscription(next(self._numbers), subscription.topic_id))
        if self._serving is None:
            self._serving = asyncio.create_task(self._serve())

    def remove(self, subscription: Subscription) -> None:
        """Subscribe no longer."""
        subscription.empty()
        self._subscriptions.remove(subscription)
        shared = any(other.topic_id == subscription.topic_id for other in self._subscriptions)
        if self._socket is not None and self.in_use and not shared:
            self._socket.write(topic_cancellation(next(self._numbers), subscription.topic_id))

    def close(self) -> None:
        """Close at once."""
        if self._serving is not None:
            self._serving.cancel()
        if self._socket is not None:
            self._socket.abort()

    async def _serve(self) -> None:
        reason: UpstreamError = ConnectionLost("body", "the WebSocket was closed")
        try:
            await self._connect()
            await self._read()
        except UpstreamError as error:
            reason = error.with_traceback(None)
        except ValueError:
            reason = ConnectFailed("the key can't travel in a header")
        finally:
            self._serving = None
            if self._socket is not None:
                self._socket.abort()
                self._socket = None
            for subscription in self._subscriptions:
                subscription.fail(reason)

    async def _connect(self) -> None:
        answer = await self._http.call("GET", USER_SOCKET_PATH, self._credential)
        if not answer.successful:
            raise answer.refusal()
        if not (address := read_user_socket(answer.body)):
            raise ConnectFailed("it gave no address of a WebSocket")
        connector, seconds = self._http.connector(self._credential), self._http.timeouts.connect
        self._socket = await WebSocket.connect(address, "", connector, seconds)
        self._socket.write(socket_greeting())
        for topic_id in dict.fromkeys(one.topic_id for one in self._subscriptions):
            self._socket.write(topic_subscription(next(self._numbers), topic_id))

    async def _read(self) -> None:
        """Read until the socket is gone, or what came is damaged: it may have been anyone's."""
        while self._socket is not None and (said := await self._socket.read()) is not None:
            messages = read_topics(said)
            if messages is None:
                break
            for message in messages:
                for subscription in self._subscriptions:
                    if subscription.topic_id == message.topic_id:
                        subscription.append(message, len(said) // len(messages))


class UserSockets:
    """The sockets of all users who have a turn followed. `per_buffer` bytes are kept for one slow reader."""

    def __init__(self, http: HttpClient, budget: BufferBudget | None = None) -> None:
        self._http = http
        self._budget = budget or BufferBudget()
        self._users: dict[Credential, _UserSocket] = {}

    def subscribe(self, credential: Credential, topic_id: str, wake: Callable[[], None]) -> Subscription:
        """Subscribe to a topic, from its start; see `Subscription`. A socket is connected if need be."""
        user = self._users.get(credential)
        if user is None:
            user = self._users[credential] = _UserSocket(self._http, credential)
        subscription = Subscription(topic_id, self._budget, wake)
        user.add(subscription)
        return subscription

    def release(self, credential: Credential, subscription: Subscription) -> None:
        """End a subscription; the socket is closed after the last one."""
        user = self._users[credential]
        user.remove(subscription)
        if not user.in_use:
            del self._users[credential]
            user.close()

    def close(self) -> None:
        """Close all sockets at once."""
        for user in self._users.values():
            user.close()
