"""What the side files of a case say, as the streams that bring the rest of an answer."""

import json
from collections.abc import Callable, Iterable, Iterator

from tests.cases.case import Case
from translate.backend import DONE, StoredTurn, TopicEnd, TurnTopic, news_of, read_topics
from translate.values import Elsewhere, ElsewhereKind

Follow = Callable[[Elsewhere], tuple[bool, Iterable[bytes]]]


def following(case: Case, way: str, cut: Callable[[bytes], Iterable[bytes]]) -> Follow:
    """Follows a turn by one of the ways that the case has; its streams are cut by `cut`."""

    def follow(elsewhere: Elsewhere) -> tuple[bool, Iterable[bytes]]:
        assert elsewhere.conversation_id == "c1"
        stream = {"poll": _stored, "ws": _topic, "resume": _resumed}[way](case, elsewhere)
        return way != "resume", cut(b"".join(stream))

    return follow


def _stored(case: Case, _elsewhere: Elsewhere) -> Iterator[bytes]:
    turn = StoredTurn("root")
    for line in case.lines("poll"):
        if line["status"] == 200 and line["path"].endswith("/c1"):
            yield turn.feed(json.dumps(line["body"]).encode())
            if turn.settled:
                yield DONE
                return
    raise AssertionError("the stored conversation is never whole")


def _topic(case: Case, elsewhere: Elsewhere) -> Iterator[bytes]:
    topic = TurnTopic()
    for line in case.lines("ws"):
        if "send" in line:
            continue
        messages = read_topics(json.dumps(line["recv"]))
        assert messages is not None
        for message in messages:
            if elsewhere.kind is ElsewhereKind.PICTURE:
                records, over = news_of(message, "c1")
                yield records
                end = TopicEnd.ENDED if over else TopicEnd.NOT_YET
            elif message.topic_id == elsewhere.topic_id:
                records, end = topic.take(message)
                yield records
            else:
                continue
            assert end is not TopicEnd.MISSING
            if end is TopicEnd.ENDED:
                yield DONE
                return


def _resumed(case: Case, elsewhere: Elsewhere) -> Iterator[bytes]:
    assert case.resume is not None
    assert elsewhere.records == case.resume["body"]["offset"]
    assert elsewhere.token == case.resume["x_conduit_token"]
    yield case.resumed
