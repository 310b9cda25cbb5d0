"""Which part of a Markdown text that comes in pieces is code, where nothing is a call.

As CommonMark has it, but for one thing: inline code ends with its line at the latest, so that one stray
backtick does not make code of a whole paragraph.
"""

import re
from typing import Final

RUN_OR_BREAK: Final = re.compile(r"\n|`+|~+")
MAX_INDENT: Final = 3
"""Spaces before a fence."""
MIN_FENCE: Final = 3
MAX_COLLECTED: Final = 64 * 1024
"""Characters of a fenced text that are kept."""


class CodeTracker:
    """Reads the text, cut anywhere. `wanted` is what a fenced text begins with that is of interest."""

    __slots__ = (
        "_closing",
        "_collected",
        "_collected_size",
        "_fence",
        "_indent",
        "_info",
        "_inline",
        "_is_wanted",
        "_run",
        "_run_indent",
        "_wanted",
    )

    def __init__(self, wanted: str) -> None:
        self._wanted = wanted
        self._fence = ""  # what opened the fence that is open
        self._info = False  # in the line that opens it
        self._closing = ""  # what may close it, if nothing else follows in its line
        self._inline = 0  # backticks that opened inline code in this line
        self._indent = 0  # spaces at the beginning of the line, if nothing else is there; else -1
        self._run = ""  # backticks or tildes at the end of what was read, which may be more of them
        self._run_indent = 0
        self._collected: list[str] | None = None  # the fenced text that may be of interest
        self._collected_size = 0
        self._is_wanted = False

    @property
    def in_fence(self) -> bool:
        """In a fence, its first and last line included, or in a line that may open one."""
        return bool(self._fence) or (len(self._run) >= MIN_FENCE and self._run_indent >= 0)

    @property
    def inline(self) -> int:
        """How many backticks close the inline code that is open; 0 if none is."""
        self._decide_run()
        return self._inline

    @property
    def is_settled(self) -> bool:
        """In the middle of a line, where only a backtick, a tilde or a line break can change anything."""
        undecided = self._fence and (self._info or self._closing or self._collected is not None)
        return self._indent < 0 and not (self._run or self._inline or undecided)

    @property
    def fenced(self) -> str:
        """The fenced text of interest that ends what was read; empty if there is none."""
        self._decide_run()
        return "".join(self._collected or ()).strip()

    def read(self, text: str) -> None:
        """Go on with `text`."""
        at = 0
        if self._run:
            while at < len(text) and text[at] == self._run[0]:
                at += 1
            self._run += text[:at]
            if at == len(text):
                return
            self._decide_run()
        for found in RUN_OR_BREAK.finditer(text, at):
            self._pass(text[at : found.start()])
            at = found.end()
            if found[0] == "\n":
                self._break_line()
                continue
            self._run, self._run_indent = found[0], self._indent
            self._indent = -1
            if at < len(text):
                self._decide_run()
        self._pass(text[at:])

    def end_message(self) -> None:
        """The message is over, and another one begins anew."""
        self._decide_run()
        self._break_line()
        self._fence = ""

    def _pass(self, text: str) -> None:
        """Read what is neither a run nor a line break."""
        if not text:
            return
        if self._closing:
            if text.isspace():
                self._closing += text
                return
            self._keep_open()
        if self._indent >= 0:
            blank = not text.strip(" ") and self._indent + len(text) <= MAX_INDENT
            self._indent = self._indent + len(text) if blank else -1
        self._collect(text)

    def _break_line(self) -> None:
        if self._closing:
            self._fence = self._closing = ""
        elif self._info:
            self._info = self._is_wanted = False
            self._collected, self._collected_size = [], 0
        else:
            self._collect("\n")
        self._inline = self._indent = 0

    def _decide_run(self) -> None:
        run, self._run = self._run, ""
        if not run:
            return
        opens = len(run) >= MIN_FENCE and self._run_indent >= 0
        if self._info:
            if run[0] == "`" == self._fence[0]:
                # What opens a fence has no backticks behind it: this is inline code.
                self._inline = 0 if run == self._fence else len(self._fence)
                self._fence, self._info = "", False
        elif self._fence:
            if self._closing:
                self._keep_open()
            if opens and run.startswith(self._fence):
                self._closing = run
            else:
                self._collect(run)
        else:
            self._collected = None
            if opens and not self._inline:
                self._fence, self._info = run, True
            elif run[0] == "`":
                self._inline = 0 if len(run) == self._inline else self._inline or len(run)

    def _keep_open(self) -> None:
        """What looked like the end of the fence is more of the text in it."""
        run, self._closing = self._closing, ""
        self._collect(run)

    def _collect(self, text: str) -> None:
        collected = self._collected
        if collected is None or self._info:
            return
        if not self._fence:
            if not text.isspace():
                self._collected = None
            return
        collected.append(text)
        self._collected_size += len(text)
        if not self._is_wanted:
            begun = "".join(collected).lstrip()
            self._is_wanted = begun.startswith(self._wanted)
            if not (self._is_wanted or self._wanted.startswith(begun)):
                self._collected = None
            elif not begun:
                collected.clear()
        if self._collected_size > MAX_COLLECTED:
            self._collected = None
