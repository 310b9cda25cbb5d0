"""Following a turn on its topic of the user's WebSocket."""

from translate.backend import TopicEnd, TurnTopic
from upstream.elsewhere.pursuit import Pursuit
from upstream.elsewhere.user_sockets import UserSockets
from upstream.http import ConnectionLost, IdleTimeout


async def follow_topic(
    pursuit: Pursuit, sockets: UserSockets, topic_id: str, first_item: float, idle: float
) -> None:
    """Give the reader all of a topic, from its start.

    It is given up after `first_item` seconds without anything, and later after `idle` seconds.

    Raises:
        UpstreamError: the socket cannot be had, breaks off or loses something; or see `Pursuit`.
    """
    topic, subscription = TurnTopic(), sockets.subscribe(pursuit.credential, topic_id, pursuit.wake)
    patience = first_item
    try:
        while not pursuit.over:
            records, end = b"", TopicEnd.NOT_YET
            for message in (messages := subscription.take_all()):
                patience = idle
                piece, end = topic.take(message)
                records += piece
                if end is not TopicEnd.NOT_YET:
                    break
            if records:
                await pursuit.give(records)
            if end is TopicEnd.ENDED:
                return
            if end is TopicEnd.MISSING:
                raise ConnectionLost("body", "something of the topic has not come")
            if not messages and not await pursuit.sleep(patience):
                raise IdleTimeout(patience)
    finally:
        sockets.release(pursuit.credential, subscription)
