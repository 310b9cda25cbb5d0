"""What an answer has to keep to where the client has tools of its own, or wants JSON.

Words are shown as they come, unless a call must be made or the answer must be JSON: then nothing is shown
before it is known to be right. If a call or the JSON is wrong, the model is asked once more, and what it says
to that is shown only if it is the answer.
"""

from collections.abc import Callable
from typing import Final

from translate.tools import prompt
from translate.tools.call_reader import CallReader, FoundCall
from translate.tools.json_answer import NO_JSON, find_json
from translate.tools.json_stream import JsonStream
from translate.tools.judgement import Judge, Mistake, is_same
from translate.tools.repair import Json, parsed
from translate.tools.schemas import usable
from translate.values import (
    ApiError,
    JsonFormat,
    Kept,
    Toolbox,
    ToolCall,
    Unkept,
    UpstreamFailed,
    text_size,
)

MAX_HELD: Final = 4 << 20
"""Bytes of words that are held back; what follows is not wanted."""


class AnswerContract:
    """The contract of one turn: see `Contract` of `translate.values`.

    `toolbox` and `form` are what the request has of tools and of a format, `nonce` is that of the
    conversation. `new_call_id` makes the ids of calls.
    """

    def __init__(
        self,
        toolbox: Toolbox | None,
        form: JsonFormat | None,
        nonce: str,
        new_call_id: Callable[[], str],
    ) -> None:
        self._choice = toolbox.choice if toolbox is not None else "none"
        self._parallel = toolbox is None or toolbox.parallel
        self._nonce = nonce
        self._tools = prompt.callable_tools(toolbox) if toolbox is not None else []
        self._raw_names = frozenset(tool.name for tool in self._tools if tool.raw)
        self._judge = Judge(self._tools, nonce, new_call_id)
        self._form = form
        self._schema = usable(form.schema) if form is not None else None
        self._wants_object = form is not None and (form.schema is None or form.schema.get("type") == "object")
        self._reader = self._new_reader()
        streams = form is not None and form.schema is not None and not form.strict
        self._stream = JsonStream(only_objects=self._wants_object) if streams else None
        self._holds = self._choice == "required" or (form is not None and not streams)
        self._held: list[str] = []
        self._held_size = 0
        self._is_shown = False  # something of the answer
        self._asked = False
        # Of the exchange that was not right:
        self._words = ""
        self._good: list[ToolCall] = []
        self._mistakes: list[Mistake] = []
        self._refused = False  # there was no JSON at all
        self._given_up: Kept | ApiError = Kept()

    @property
    def passes_through(self) -> bool:
        """See `Contract`."""
        return not self._holds and self._stream is None and self._reader.passes_through

    @property
    def hidden(self) -> str:
        """See `Contract`."""
        return f"-{self._nonce}"

    @property
    def alone(self) -> bool:
        """See `Contract`."""
        return self._holds or self._stream is not None

    @property
    def done(self) -> bool:
        """See `Contract`."""
        return self._reader.done or self._held_size > MAX_HELD

    @property
    def kept(self) -> int:
        """See `Contract`."""
        return self._reader.kept + self._held_size

    def feed(self, text: str) -> str:
        """See `Contract`."""
        return self._show(self._reader.feed(text))

    def release(self) -> str:
        """See `Contract`: what is held back waits for what follows."""
        return ""

    def begin_message(self) -> str:
        """See `Contract`."""
        shown = self._show(self._reader.begin_message())
        if self._holds and self._held:
            self._hold("\n\n")
        return shown

    def conclude(self, *, cut: bool) -> Kept | Unkept:
        """See `Contract`."""
        shown = self._show(self._reader.end())
        words = "".join(self._held).strip() if self._holds else shown
        verdict = self._conclude(words, cut=cut)
        if isinstance(verdict, Unkept):
            is_no_call = self._choice == "required" and not (self._reader.calls or self._reader.is_incomplete)
            self._words = "" if is_no_call else words  # an answer in place of a call is not shown beside it
            self._start_again()
        return verdict

    def give_up(self) -> Kept | ApiError:
        """See `Contract`."""
        return self._given_up

    def _show(self, text: str) -> str:
        if self._holds:
            self._hold(text)
            return ""
        if self._stream is not None:
            self._held_size += text_size(text)
            text = self._stream.feed(text)
        self._is_shown = self._is_shown or bool(text)
        return text

    def _hold(self, text: str) -> None:
        if text and self._held_size <= MAX_HELD:
            self._held.append(text)
            self._held_size += text_size(text)

    def _new_reader(self) -> CallReader:
        return CallReader(self._nonce, self._raw_names, parallel=self._parallel)

    def _start_again(self) -> None:
        """Make ready for the exchange that answers the question."""
        self._asked = self._holds = True
        self._stream = None
        self._held, self._held_size = [], 0
        self._reader = self._new_reader()

    # Judgements.

    def _conclude(self, words: str, *, cut: bool) -> Kept | Unkept:
        reader = self._reader
        calls = reader.calls
        if self._choice == "none":
            if self._form is None and calls and not (words or self._is_shown):
                return self._ask(prompt.AGAIN_WORDS, Kept())
            return self._conclude_without_calls(words, cut=cut)
        if reader.is_too_long:
            return self._fail(_failure("The model has written a call that is too long."))
        if not calls and (fenced := self._fenced_calls()):
            if self._choice == "required":
                calls, words = fenced, _before_fence(words, reader.fenced)
            elif not self._asked:
                return self._ask(prompt.AGAIN_FENCED, Kept(words))
        if calls or reader.is_incomplete:
            return self._conclude_with_calls(calls, words)
        if self._choice == "required":
            question = prompt.again_forced(self._tools, self._nonce)
            return self._ask(question, _failure("The model has not called a tool, which it had to."))
        return self._conclude_without_calls(words, cut=cut)

    def _conclude_with_calls(self, found: list[FoundCall], words: str) -> Kept | Unkept:
        judged = [self._judge.judge(call) for call in found]
        mistakes = [outcome for outcome in judged if isinstance(outcome, Mistake)]
        if self._reader.is_incomplete:
            mistakes.append(self._judge.incomplete(self._reader.name))
        known = tuple(self._good)  # of the exchange before: the model may make them once more
        made = [outcome for outcome in judged if isinstance(outcome, ToolCall)]
        self._good += [call for call in made if not any(is_same(call, good) for good in known)]
        if not self._parallel:
            del self._good[1:]
            if self._good:
                mistakes.clear()
        words = self._words_before_calls(words)
        if not mistakes:
            return Kept(words, self._good)
        self._mistakes += mistakes
        given_up = self._with_mistakes(mistakes, found, words)
        if self._asked and isinstance(given_up, Kept):
            return given_up
        return self._ask(mistakes[0].question, given_up)

    def _with_mistakes(self, mistakes: list[Mistake], found: list[FoundCall], words: str) -> Kept | ApiError:
        """What is made of calls of which some are wrong, if nothing is asked any more."""
        if any(mistake.strict for mistake in self._mistakes) or self._choice == "required":
            return _failure("The model's call of a tool does not fit the tool.")
        calls = self._good + [mistake.call for mistake in mistakes if mistake.call is not None]
        if calls:
            return Kept(words, calls if self._parallel else calls[:1])
        if not (words or self._is_shown):
            words = "\n\n".join([*(call.body for call in found), self._reader.rest]).strip()
        return Kept(words)

    def _words_before_calls(self, words: str) -> str:
        """What is shown before the calls, of the first exchange only."""
        return self._words if self._asked else words

    def _fenced_calls(self) -> list[FoundCall]:
        """The calls of the fence that ends the answer, if it holds nothing else."""
        if not (fenced := self._reader.fenced):
            return []
        reader = self._new_reader()
        words = reader.feed(fenced) + reader.end()
        return [] if words or reader.is_incomplete else reader.calls

    def _conclude_without_calls(self, words: str, *, cut: bool) -> Kept | Unkept:
        if self._asked and self._choice != "none":
            return self._conclude_without_more_calls(words, cut=cut)
        return self._conclude_words(words, cut=cut)

    def _conclude_without_more_calls(self, words: str, *, cut: bool) -> Kept | Unkept:
        """The model was asked once more for a call, and has made none."""
        if any(mistake.strict for mistake in self._mistakes):
            return self._fail(_failure("The model's call of a tool does not fit the tool."))
        if self._good:
            return Kept(self._words, self._good)
        if self._form is not None or (self._mistakes and words):
            return self._conclude_words(words, cut=cut)
        return self._given_up if isinstance(self._given_up, Kept) else self._fail(self._given_up)

    def _conclude_words(self, words: str, *, cut: bool) -> Kept | Unkept:
        if self._form is None:
            return Kept(f"\n\n{words}" if self._asked and self._is_shown and words else words)
        if self._stream is not None:
            if self._stream.began:
                return self._conclude_stream(self._stream.text, cut=cut)
            words = self._stream.words
        found = find_json(words, self._schema, wants_object=self._wants_object)
        if isinstance(found, Json):
            return Kept(found.text, closed=True)
        if cut:
            return Kept(words, closed=True)
        if self._asked and found == NO_JSON and self._refused:
            return Kept(refusal=words or self._words, closed=True)
        self._refused = found == NO_JSON
        return self._ask(prompt.again_json(found), _schema_not_met())

    def _conclude_stream(self, text: str, *, cut: bool) -> Kept | Unkept:
        """All JSON was shown: nothing can be mended any more."""
        try:
            fits = self._schema is None or self._schema.misfit(parsed(text)) is None
        except ValueError:
            fits = False
        if fits or cut:
            return Kept(closed=True)
        return self._fail(_schema_not_met())

    def _ask(self, question: str, given_up: Kept | ApiError) -> Unkept:
        """Ask once more, if that was not done yet; `given_up` is what is made of the answer else."""
        self._given_up = given_up
        return Unkept("" if self._asked else question)

    def _fail(self, error: ApiError) -> Unkept:
        self._given_up = error
        return Unkept("")


def _failure(why: str) -> ApiError:
    return UpstreamFailed(why, code="tool_call_failed", should_retry=False)


def _schema_not_met() -> ApiError:
    why = "The model's answer is not JSON of the form that was asked for."
    return UpstreamFailed(why, code="schema_not_met", should_retry=False)


def _before_fence(words: str, fenced: str) -> str:
    """What stands in `words` before the fence that ends them and holds `fenced`."""
    before = words[: words.rfind(fenced)].rstrip()
    return before[: before.rfind("\n") + 1].rstrip()
