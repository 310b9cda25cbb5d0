"""The translator as the benchmarks use it: bytes of the backend in, bytes for the client out.

The one place in this package that knows how the translator is called.
"""

from translate import Conversation, Options
from translate.openai import ChatStream
from translate.tools import AnswerContract
from translate.values import (
    NEED_DATA,
    PAUSED,
    ExchangeEnded,
    Picture,
    PictureWanted,
    SentMessage,
    Tool,
    Toolbox,
)

PICTURE = Picture("http://127.0.0.1/images/a.png")
"""What each picture of an answer is said to be."""

SENT = (SentMessage("22222222-2222-4333-8444-555555555555", "user", "hello"),)
"""The message that the answer replies to."""


class Files:
    """Each file of the sandbox has the same address."""

    has_room = True

    def sandbox(self, message_id: str, path: str) -> str:
        """See `Links` of `translate.text`."""
        return "http://127.0.0.1/files/a"


class WrongTranslation(AssertionError):
    """The answer is not over, or has failed, or has another text: then its speed does not matter."""


class Translation:
    """One streamed answer. With `fast` false every event is parsed in full; with `tools` the model may call
    one.
    """

    def __init__(self, *, fast: bool = True, tools: bool = False) -> None:
        self._format = ChatStream(id="chatcmpl-1", created=1702623600, model="gpt-3.5-turbo")
        toolbox = Toolbox((Tool("get_weather"),))
        contract = AnswerContract(toolbox, None, "7f3a9c12", lambda: "call_1") if tools else None
        self._conversation = Conversation(SENT, Options(contract=contract), links=Files(), fast=fast)
        self._ended = False

    def feed(self, piece: bytes) -> bytes:
        """Take bytes and return what the client gets. Each picture that the answer shows is found at once."""
        conversation, encode = self._conversation, self._format.encode
        conversation.receive_data(piece)
        written = b""
        while (event := conversation.next_event()) is not NEED_DATA and event is not PAUSED:
            written += encode(event)
            if type(event) is PictureWanted:
                conversation.supply(PICTURE)
            elif type(event) is ExchangeEnded:
                self._ended = True
        return written

    def text(self) -> str:
        """The whole text. Raises WrongTranslation where the answer is not over or has failed."""
        if not self._ended:
            raise WrongTranslation(f"the conversation is {self._conversation.state.name}")
        return self._conversation.answer.text
