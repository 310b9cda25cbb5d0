"""What the reader of a stream tells of it, whatever a turn makes of that."""

import pytest

from tests.translate.tool_turns import drawn
from tests.translate.wire import finished, growing, sse
from translate.backend import Interpreter, SseSplitter
from translate.bounds import Bounds
from translate.growing_text import GrowingText
from translate.stream_reader import Halt, StreamReader
from translate.text import AnswerBuilder, Renderer
from translate.values import ApiError, Style

WORDS = growing("Hi", "Hi there")


class Listener:
    """A reader with all that it needs, and the stream that it reads."""

    def __init__(self, *, stop: tuple[str, ...] = ()) -> None:
        builder = AnswerBuilder(stop)
        renderer = Renderer(builder, Style.WEB, None)
        interpreter = Interpreter(())
        bounds = Bounds(
            builder.answer, interpreter, renderer, None, max_answer_bytes=1000, max_kept_bytes=1000
        )
        text = GrowingText(builder, renderer, None, bounds)
        self.answer = builder.answer
        self.reader = StreamReader(interpreter, builder, renderer, text, bounds, secrets=(), fast=True)
        self.listen()

    def listen(self, *, goes_on: bool = False) -> None:
        self.sse = SseSplitter()
        self.reader.listen(self.sse, goes_on=goes_on)

    def read(self, data: bytes, *, eof: bool = False) -> Halt | ApiError | None:
        self.sse.push(data)
        return self.reader.read(eof, False)


def test_reader_stops_where_bytes_are_missing_and_goes_on_with_them() -> None:
    listener, stream = Listener(), sse(*WORDS)
    assert listener.read(stream[:-20]) is None
    assert not listener.reader.complete
    assert listener.read(stream[-20:]) is Halt.DONE
    assert listener.reader.complete
    assert listener.answer.text == "Hi there"


@pytest.mark.parametrize(
    ("stream", "met"),
    [
        (sse(*WORDS, drawn("file-1"), finished("behind", "a2"), done=False), Halt.PICTURE),
        (sse(*WORDS, done=False), Halt.END_OF_INPUT),
        (b"", Halt.END_OF_INPUT),
        (sse(*WORDS, *growing("Hi there. More")), Halt.ENOUGH),
    ],
    ids=["picture", "end", "nothing", "stop sequence"],
)
def test_reader_says_what_stopped_it(stream: bytes, met: Halt) -> None:
    assert Listener(stop=(".",)).read(stream, eof=True) is met


def test_what_is_behind_a_picture_is_read_when_it_is_asked_for() -> None:
    listener = Listener()
    assert listener.read(sse(drawn("file-1"), finished("behind", "a2"))) is Halt.PICTURE
    assert listener.reader.records == 1


def test_failure_that_the_backend_tells_is_given_and_not_raised() -> None:
    met = Listener().read(sse(*WORDS, {"detail": "Something went wrong"}))
    assert isinstance(met, ApiError)
    assert "Something went wrong" in met.message


def test_stream_that_goes_on_behind_another_keeps_its_dialect() -> None:
    listener = Listener()
    begin = b'event: delta_encoding\ndata: "v1"\n\n'
    assert listener.read(begin, eof=True) is Halt.END_OF_INPUT
    dialect = listener.reader.dialect
    listener.listen(goes_on=True)
    assert listener.reader.dialect is dialect
    listener.listen()
    assert listener.reader.dialect is not dialect
