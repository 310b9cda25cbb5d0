"""Who counts tokens: holds a vocabulary while turns need it, and for a while after that."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from runtime import COMPUTING, BackgroundTasks, Ending
from translate import Conversation
from translate.values import ChatMessage, Usage, picture_tokens, usage_of
from turns.encodings import ENCODINGS, Encoding, encoding_of
from turns.tokens import Vocabulary, load_vocabulary

SHORT_TEXT: Final = 4000
"""Up to so many characters, counting tokens is faster than starting a thread."""
KEEP_SECONDS: Final = 60.0
"""How long a vocabulary stays when no turn runs that needs it; a turn that comes later loads it again."""
PICTURE_TOKENS: Final = picture_tokens(1024, 1024, "auto")
HEAD_START: Final = 0.05
"""Seconds that a turn gets to post its message. Then the vocabulary is loaded, while the backend thinks."""


class TokenCounter:
    """Counts the tokens of conversations, by the encoding of their model; models are named by their slugs.

    Turns say while they run what they will need.
    """

    def __init__(self, keep_seconds: float = KEEP_SECONDS) -> None:
        self._held = {encoding: _Held(encoding, keep_seconds) for encoding in ENCODINGS}

    @property
    def loaded(self) -> set[str]:
        """The names of the encodings whose vocabularies it holds."""
        return {encoding.name for encoding, held in self._held.items() if held.loaded}

    def expected(self, slug: str) -> Ending:
        """Have the vocabulary of a model ready soon, and keep it as long as the context is open."""
        return self._held[encoding_of(slug)].expected()

    async def count(self, conversation: Conversation, slug: str) -> Usage:
        """The tokens of a conversation that is over. Long ones are counted in a thread.

        `slug` is the model that answered; if it has another encoding than the expected model, its vocabulary
        may have to be loaded now.
        """
        held = self._held[encoding_of(slug)]
        with held.expected():
            vocabulary = await held.vocabulary()
            if conversation.countable > SHORT_TEXT:
                return await COMPUTING.run(conversation.count_usage, vocabulary.count_tokens)
            return conversation.count_usage(vocabulary.count_tokens)

    async def count_prompt(self, messages: Sequence[ChatMessage], slug: str) -> int:
        """The tokens of messages that are not sent. A picture counts as one of 1024 x 1024 pixels: none is
        looked at.
        """
        held = self._held[encoding_of(slug)]
        with held.expected():
            vocabulary = await held.vocabulary()
            texts = [message.text for message in messages]
            pictures = PICTURE_TOKENS * sum(len(message.attachments) for message in messages)
            count = partial(usage_of, texts, pictures, "", vocabulary.count_tokens)
            usage = await COMPUTING.run(count) if sum(map(len, texts)) > SHORT_TEXT else count()
        return usage.prompt_tokens

    async def close(self) -> None:
        """Let go of the vocabularies."""
        for held in self._held.values():
            await held.close()


class _Held:
    """The vocabulary of one encoding, while it is needed."""

    def __init__(self, encoding: Encoding, keep_seconds: float) -> None:
        self._encoding = encoding
        self._keep_seconds = keep_seconds
        self._vocabulary: Vocabulary | None = None
        self._expecting = 0
        self._timer: asyncio.TimerHandle | None = None  # until it is loaded ahead, or dropped
        self._tasks = BackgroundTasks()

    @property
    def loaded(self) -> bool:
        return self._vocabulary is not None

    def expected(self) -> Ending:
        self._expecting += 1
        if self._expecting == 1:
            self._schedule(HEAD_START, self._load_ahead)  # in place of a drop
        return Ending(self._no_more_expected)

    async def vocabulary(self) -> Vocabulary:
        """The vocabulary; loaded in a thread if it is not there."""
        if self._vocabulary is None:
            self._vocabulary = await COMPUTING.run(load_vocabulary, self._encoding)
        return self._vocabulary

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        await self._tasks.cancel()
        self._vocabulary = None

    def _no_more_expected(self) -> None:
        self._expecting -= 1
        if not self._expecting:
            self._schedule(self._keep_seconds, self._drop)

    def _load_ahead(self) -> None:
        if self._vocabulary is None:
            self._tasks.start(self.vocabulary())

    def _drop(self) -> None:
        self._vocabulary = None

    def _schedule(self, seconds: float, function: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, function)
