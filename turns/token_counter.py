"""Who counts tokens: holds a vocabulary while turns need it, and for a while after that."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final

from runtime import COMPUTING, BackgroundTasks, Ending
from translate import Conversation
from translate.values import ChatMessage, Usage, picture_tokens, usage_of
from turns.encodings import Encoding, encoding_of
from turns.tokens import Vocabulary, load_vocabulary

SHORT_TEXT: Final = 4000
"""Up to so many characters, counting tokens is faster than starting a thread."""
KEEP_SECONDS: Final = 60.0
"""How long vocabularies stay when no turn runs; a turn that comes later loads its own again."""
PICTURE_TOKENS: Final = picture_tokens(1024, 1024, "auto")
HEAD_START: Final = 0.05
"""Seconds that a turn gets to post its message. Then the vocabulary is loaded, while the backend thinks."""


class TokenCounter:
    """Counts the tokens of conversations, by the encoding of their model; models are named by their slugs.

    Turns say while they run what they will need. No vocabulary is dropped while any turn runs: freeing one
    keeps everything else waiting for some 0.05 s.
    """

    def __init__(self, keep_seconds: float = KEEP_SECONDS) -> None:
        self._keep_seconds = keep_seconds
        self._vocabularies: dict[Encoding, Vocabulary] = {}
        self._expecting = 0
        self._dropping: asyncio.TimerHandle | None = None
        self._tasks = BackgroundTasks()

    @property
    def loaded(self) -> set[str]:
        """The names of the encodings whose vocabularies it holds."""
        return {encoding.name for encoding in self._vocabularies}

    def expected(self, slug: str) -> Ending:
        """Have the vocabulary of a model ready soon; while the context is open, none is dropped."""
        encoding, loading = encoding_of(slug), None
        self._expecting += 1
        self._drop_no_more()
        if encoding not in self._vocabularies:
            loading = asyncio.get_running_loop().call_later(HEAD_START, self._load_ahead, encoding)
        return Ending(partial(self._no_more_expected, loading))

    async def count(self, conversation: Conversation, slug: str) -> Usage:
        """The tokens of a conversation that is over. Long ones are counted in a thread.

        `slug` is the model that answered; if it has another encoding than the expected model, its vocabulary
        may have to be loaded now.
        """
        vocabulary = await self._vocabulary(encoding_of(slug))
        if conversation.countable > SHORT_TEXT:
            return await COMPUTING.run(conversation.count_usage, vocabulary.count_tokens)
        return conversation.count_usage(vocabulary.count_tokens)

    async def count_prompt(self, messages: Sequence[ChatMessage], slug: str) -> int:
        """The tokens of messages that are not sent. A picture counts as one of 1024 x 1024 pixels: none is
        looked at.
        """
        with self.expected(slug):
            vocabulary = await self._vocabulary(encoding_of(slug))
            texts = [message.text for message in messages]
            pictures = PICTURE_TOKENS * sum(len(message.attachments) for message in messages)
            count = partial(usage_of, texts, pictures, "", vocabulary.count_tokens)
            usage = await COMPUTING.run(count) if sum(map(len, texts)) > SHORT_TEXT else count()
        return usage.prompt_tokens

    async def close(self) -> None:
        """Let go of the vocabularies."""
        self._drop_no_more()
        await self._tasks.cancel()
        self._vocabularies.clear()

    async def _vocabulary(self, encoding: Encoding) -> Vocabulary:
        """The vocabulary; loaded in a thread if it is not there."""
        found = self._vocabularies.get(encoding)
        if found is None:
            found = self._vocabularies[encoding] = await COMPUTING.run(load_vocabulary, encoding)
        return found

    def _load_ahead(self, encoding: Encoding) -> None:
        if encoding not in self._vocabularies:
            self._tasks.start(self._vocabulary(encoding))

    def _no_more_expected(self, loading: asyncio.TimerHandle | None) -> None:
        if loading is not None:
            loading.cancel()
        self._expecting -= 1
        if not self._expecting:
            loop = asyncio.get_running_loop()
            self._dropping = loop.call_later(self._keep_seconds, self._vocabularies.clear)

    def _drop_no_more(self) -> None:
        if self._dropping is not None:
            self._dropping.cancel()
