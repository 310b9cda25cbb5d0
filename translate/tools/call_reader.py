"""Reads calls of tools out of a text that comes in pieces.

What is no call goes by at once; only what may be the beginning of a tag waits, and white space, which is
left out before a call. In code nothing is a call. The end of a call's arguments is found by its brackets,
since the closing tag may stand in a string, and may be missing. All that follows the first call is left out.

What it reads in is one of its `_in_...` methods, which takes what it can of a text, from a position on, and
returns where it has come to.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from translate.tools.code_tracker import CodeTracker
from translate.tools.envelope import Tags
from translate.tools.json_end import MAX_DEPTH, JsonEnd

MAX_BODY: Final = 4 << 20
"""Characters of a call."""
MAX_CALLS: Final = 128
"""Calls of one exchange; what follows them is not wanted."""
MAX_TAG: Final = 1000
"""Characters of a tag with its attributes."""
MAX_AFTER: Final = 60
"""Characters behind a call, after which it is sure that nothing of use follows: more than a few words."""
MAX_RESTARTS: Final = 16
MAX_SPACE: Final = 64 * 1024
"""Characters of white space that wait for a call, about."""
SPACE: Final = " \t\r\n"
AROUND: Final = SPACE + "\ufeff\u00a0"
"""What may stand around arguments."""
NAME: Final = re.compile(r"""(?:^|\s)name\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>/]+))""")
RAW: Final = re.compile(r"""(?:^|\s)raw(?=[\s=/]|$)""")
QUOTED: Final = re.compile(r"""=\s*(?:"[^"]*"|'[^']*')""")
BACKTICKS: Final = re.compile("`+")
END_OF_QUOTE: Final = re.compile("[ \t]{0,9}(`*)")
BODY_FENCE: Final = re.compile("`{3,}[A-Za-z]{0,20}[ \t]*\r?\n")
MAX_BODY_FENCE: Final = 40


@dataclass(frozen=True, slots=True)
class FoundCall:
    """A call as it is written: `body` without white space around it, or with `raw` the text itself.

    With `closed` its closing tag is there; without `whole` the brackets of the arguments are not all closed.
    """

    name: str
    body: str
    raw: bool = False
    closed: bool = True
    whole: bool = True


class CallReader:
    """Reads one exchange. Tools named in `raw_names` take a text; without `parallel` one call is all that is
    wanted.
    """

    def __init__(self, nonce: str, raw_names: frozenset[str] = frozenset(), *, parallel: bool = True) -> None:
        self.calls: list[FoundCall] = []
        """The calls so far."""
        self.is_incomplete = False
        """The last call is not complete, and will not be."""
        self.is_too_long = False
        """A call is longer than any may be."""
        self.rest = ""
        """The body of the last call that is not complete."""
        self.done = False
        """Nothing of use can follow."""
        self._nonce = nonce
        self._tags = Tags(nonce)
        self._raw_names = raw_names
        self._parallel = parallel
        self._code = CodeTracker(self._tags.call)
        self._step: Callable[[str, int], int] = self._in_text
        self._shown: list[str] = []
        self._held = ""  # the end of what came, which is to be looked at again
        self._space: list[str] = []  # at the end of the text
        self._space_size = 0
        self._after = 0  # characters behind the last call
        # Of the call that is being read:
        self._name = ""
        self._is_raw = False
        self._is_fenced = False
        self._body: list[str] = []
        self._size = 0
        self._end = JsonEnd()
        self._quote = 0  # backticks before it that have not been closed
        self._quoted: list[str] = []  # all of it, which may be inline code
        self._found: FoundCall | None = None
        self._may_restart = True

    @property
    def passes_through(self) -> bool:
        """Plain text without any of `<~`, and not ending with white space, may go by."""
        return (
            not (self._held or self._space or self.calls)
            and self._step == self._in_text
            and self._code.is_settled
        )

    @property
    def name(self) -> str:
        """The name in the last tag of a call; empty if it has none, or is not complete."""
        return self._name

    @property
    def fenced(self) -> str:
        """The fenced text that ends an answer without calls, if it begins as one; else empty."""
        return "" if self.calls else self._code.fenced

    @property
    def kept(self) -> int:
        """Characters that it keeps."""
        held = len(self._held) + self._space_size + self._size * (2 if self._quote else 1)
        return held + len(self.rest) + sum(len(call.body) for call in self.calls)

    def feed(self, text: str) -> str:
        """Take text; return what of it, and of what was held back, is text for the user."""
        text, self._held = self._held + text, ""
        at = 0
        while at < len(text) and not self.done:
            at = self._step(text, at)
        return self._take_shown()

    def begin_message(self) -> str:
        """Another message begins, which does not go on with the one before: return what was held back."""
        self._stop()
        self._code.end_message()
        return self._release()

    def end(self) -> str:
        """The exchange is over: return what was held back."""
        self._stop()
        return self._release()

    # Text.

    def _in_text(self, text: str, at: int) -> int:
        tag = text.find("<", at)
        self._say(text[at:] if tag < 0 else text[at:tag])
        if tag < 0 or self.done:
            return len(text)
        inline = self._code.inline
        if not self._code.in_fence:
            if self._tags.own.match(text, tag):
                self._quote = inline
                self._step = self._in_tag
                return tag
            if self._tags.may_begin(text, tag):
                return self._hold(text, tag)
        self._say("<")
        return tag + 1

    def _say(self, text: str) -> None:
        """Take text for the user; behind a call it is left out."""
        if not text:
            return
        self._code.read(text)
        if self.calls:
            self._after += len(text) - text.count(" ") - text.count("\n")
            self.done = self._after > MAX_AFTER
            return
        body = text.rstrip(SPACE)
        if body or self._space_size > MAX_SPACE:
            self._shown += (*self._space, body)
            self._space.clear()
            self._space_size = 0
        if len(body) < len(text):
            self._space.append(text[len(body) :])
            self._space_size += len(text) - len(body)

    def _take_shown(self) -> str:
        shown, self._shown = "".join(self._shown), []
        return shown

    def _release(self) -> str:
        if not self.calls:
            self._shown += (self._held,) if self.is_incomplete else (*self._space, self._held)
        self._space.clear()
        self._held = ""
        return self._take_shown()

    def _hold(self, text: str, at: int) -> int:
        self._held = text[at:]
        return len(text)

    # Tags.

    def _in_tag(self, text: str, at: int) -> int:
        """At a tag of ours, whose name is complete."""
        self._name = ""
        is_call = text.startswith(self._tags.call, at)
        begin = at + len(self._tags.call)
        end = self._tags.end_of_tag(text, begin, begin + MAX_TAG)
        if self._quote and (self._closes_quote(text, at, end) or (end < len(text) and not is_call)):
            self._step = self._in_text
            self._say("<")
            return at + 1
        if end == len(text) and end <= begin + MAX_TAG:
            return self._hold(text, at)
        self._step = self._in_text
        if end == len(text) or text[end] != ">":
            self.is_incomplete = self.is_incomplete or is_call
            return end
        if is_call:
            self._open(text[begin:end], text[at : end + 1])
        return end + 1  # what is left out is the tag of a result, or one that closes nothing

    def _open(self, attributes: str, tag: str) -> None:
        name = NAME.search(attributes)
        self._name = next(filter(None, name.groups()), "").strip() if name is not None else ""
        self._is_raw = RAW.search(QUOTED.sub("", attributes)) is not None or self._name in self._raw_names
        self._is_fenced = self.is_incomplete = False
        self._body, self._size = [], 0
        self._end = JsonEnd()
        self._quoted = [tag]
        self._step = self._in_raw_body if self._is_raw else self._before_body

    def _closes_quote(self, text: str, at: int, end: int) -> bool:
        """Whether the inline code that the call may be in ends in this part of `text`."""
        runs = BACKTICKS.finditer(text, at, end)
        return any(len(run[0]) == self._quote and run.end() < len(text) for run in runs)

    def _unquote(self, text: str, at: int) -> int:
        """The call was inline code all along, which ends at `at`."""
        self._step = self._in_text
        self._found = None
        self._say("".join(self._quoted))
        return at

    # The arguments.

    def _before_body(self, text: str, at: int) -> int:
        begin = at
        while at < len(text) and text[at] in AROUND:
            at += 1
        self._pass(text[begin:at])
        if at == len(text):
            return at
        if text[at] in '{["':
            self._step = self._in_json
        elif not self._quote and (fence := BODY_FENCE.match(text, at)):
            self._is_fenced = True
            self._pass(fence[0])
            return fence.end()
        elif self._may_be_body_fence(text, at):
            return self._hold(text, at)
        else:
            self._step = self._in_other
        return at

    def _may_be_body_fence(self, text: str, at: int) -> bool:
        """Whether what stands at `at` may be a part of the line that opens a fence."""
        begun = text[at:].startswith("`") and not self._quote
        return begun and "\n" not in text[at : at + MAX_BODY_FENCE] and len(text) - at <= MAX_BODY_FENCE

    def _in_json(self, text: str, at: int) -> int:
        end, is_over = self._end.scan(text, at)
        self._take(text[at:end])
        if is_over:
            self._step = self._behind_body
        elif self._end.depth > MAX_DEPTH:
            self._step = self._in_other
        elif end < len(text) and not self.done:
            return self._at_bracket(text, end)
        return end

    def _in_other(self, text: str, at: int) -> int:
        """In a body that is no JSON: it ends with its closing tag only."""
        tag = text.find("<", at)
        end = len(text) if tag < 0 else tag
        if self._quote:
            if self._closes_quote(text, at, end):
                return self._unquote(text, at)
            if tag < 0:
                end -= len(text) - len(text.rstrip("`"))
        self._take(text[at:end])
        if tag < 0 or self.done:
            return self._hold(text, end)
        return self._at_bracket(text, tag)

    def _at_bracket(self, text: str, at: int) -> int:
        """At a `<` where a tag of ours ends the body or begins the next one."""
        if text.startswith(self._tags.close, at):
            return self._close(text, at, whole=self._step == self._in_other)
        if text.startswith(self._tags.call, at):
            self._step = self._in_tag  # what came before was a false start
            return at
        if self._tags.may_begin(text, at):
            return self._hold(text, at)
        self._take("<")
        return at + 1

    def _in_raw_body(self, text: str, at: int) -> int:
        tag = text.find("<", at)
        self._take(text[at:] if tag < 0 else text[at:tag])
        if tag < 0 or self.done:
            return len(text)
        if text.startswith(self._tags.close, tag):
            return self._close(text, tag, whole=True)
        if self._tags.close.startswith(text[tag:]):
            return self._hold(text, tag)
        self._take("<")
        return tag + 1

    def _behind_body(self, text: str, at: int) -> int:
        """The arguments are complete: their closing tag should follow."""
        begin, around = at, AROUND + "`" if self._is_fenced else AROUND
        while at < len(text) and text[at] in around:
            at += 1
        self._pass(text[begin:at])
        if at == len(text):
            return at
        if text.startswith(self._tags.close, at):
            return self._close(text, at, whole=True)
        if text[at] == "<" and self._tags.may_begin(text, at):
            return self._hold(text, at)
        self._finish(closed=False, whole=True)
        return at

    def _close(self, text: str, at: int, *, whole: bool) -> int:
        """At the closing tag."""
        end = text.find(">", at, at + MAX_TAG)
        if end < 0 and len(text) - at < MAX_TAG:
            return self._hold(text, at)
        end = at + len(self._tags.close) if end < 0 else end + 1
        self._pass(text[at:end])
        self._finish(closed=True, whole=whole)
        return end

    def _take(self, text: str) -> None:
        """Take more of the body."""
        if not text:
            return
        self._body.append(text)
        self._pass(text)
        self._size += len(text)
        if self._size > MAX_BODY:
            self.is_too_long = self.done = True
            self._body.clear()

    def _pass(self, text: str) -> None:
        """Keep what is part of the call, in case it is inline code."""
        if self._quote and text:
            self._quoted.append(text)

    # The end of a call.

    def _finish(self, *, closed: bool, whole: bool) -> None:
        body = "".join(self._body)
        self._body = []
        if self._is_raw:
            body = body.removeprefix("\r").removeprefix("\n").removesuffix("\n").removesuffix("\r")
        else:
            body = body.strip(AROUND)
        self._found = FoundCall(self._name, body, self._is_raw, closed, whole)
        if self._quote:
            self._step = self._behind_quote
        else:
            self._add()

    def _behind_quote(self, text: str, at: int) -> int:
        """Behind a call that is inline code if that ends here."""
        run = END_OF_QUOTE.match(text, at)
        if run is not None and run.end() == len(text):
            return self._hold(text, at)
        if run is not None and len(run[1]) == self._quote:
            return self._unquote(text, at)
        self._add()
        return at

    def _add(self) -> None:
        self._step = self._in_text
        if (found := self._found) is None:
            return
        self._found = None
        self._quoted = []
        self._space.clear()
        self.calls.append(found)
        self._code.end_message()
        self._after = 0
        self.done = not self._parallel or len(self.calls) >= MAX_CALLS

    def _stop(self) -> None:
        """The text is over for now: a call that can be complete is, any other never will be."""
        held, self._held = self._held, ""
        if self.done:
            return
        if self._step == self._in_text:
            if self._tags.is_name(held):
                self.is_incomplete = self.is_incomplete or held == self._tags.call
            else:
                self._held = held
        elif self._quote and self._step in (self._behind_quote, self._in_other):
            if held.strip() == "`" * self._quote:
                self._unquote("", 0)
                self._say(held)
            elif self._step == self._behind_quote:
                self._add()
            else:
                self._give_up()
        elif self._step == self._behind_body:
            self._finish(closed=held.startswith(self._tags.close), whole=True)
            self._add()  # for what is inline code, a backtick would have to follow
        elif self._step == self._in_tag:
            self._step = self._in_text
            if self._quote:
                self._held = held
            else:
                self.is_incomplete = self.is_incomplete or held.startswith(self._tags.call)
        elif held.startswith(self._tags.close):
            self._finish(closed=True, whole=self._step != self._in_json)
            self._add()
        else:
            self._give_up()

    def _give_up(self) -> None:
        """The last call is not complete. Perhaps the model has begun anew in the middle of a string."""
        self.rest = body = "".join(self._body)
        self._body, self._size = [], 0
        self._step = self._in_text
        if not self._is_raw and self._may_restart:
            begins = [found.start() for found in re.finditer(rf"(?m)^[ \t]*{self._tags.call}\s", body)]
            for begin in begins[-MAX_RESTARTS:]:
                again = CallReader(self._nonce, self._raw_names, parallel=self._parallel)
                again._may_restart = False
                again.feed(body[begin:])
                again.end()
                if again.calls and not again.is_incomplete:
                    self.calls += again.calls
                    return
        self.is_incomplete = True
