"""The cost of an answer full of marks, beside that of plain text of as many tokens.

    python -m benchmarks.marked

Translation alone, as in `benchmarks.micro`, both in turn in one run: a cited answer of today in delta v1 and
in snapshots, fed in pieces of 64 KiB and record by record. Prints microseconds per token and the ratio, which
is to be at most 2: a median of pairs, since both passes of a pair see the same machine.
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from statistics import median
from typing import Final

from benchmarks.backend_stream import CONVERSATION_ID, reply_tokens
from benchmarks.translation import Translation, WrongTranslation

LENGTHS = (250, 1000, 4000)
PIECE = 64 * 1024
GOAL = 2.0
TOKENS_BETWEEN = 60
"""Tokens from one mark to the next."""
LATE = 2
"""Tokens that come between a mark and its reference."""
SECONDS = 1.5  # of passes per case
ANSWER_ID: Final = "a1"
REFERENCES: Final = "/message/metadata/content_references"


@dataclass(frozen=True, slots=True)
class Token:
    """What one record adds to the text, and the references that come with it."""

    text: str
    references: tuple[dict[str, object], ...] = ()


def main() -> None:
    """Measure and print the table."""
    print("CPU us per token, translation alone, a mark every", TOKENS_BETWEEN, "tokens")
    print(f"{'tokens':>6}  {'dialect':>8}  {'fed by':>7}  {'plain':>6}  {'marked':>6}  ratio")
    for tokens in LENGTHS:
        for dialect, records in (("delta v1", delta_records), ("snapshot", snapshot_records)):
            marked, plain = list(records(marked_tokens(tokens))), list(records(plain_tokens(tokens)))
            for fed_by in ("64 KiB", "event"):
                first, second, ratio = _best(_cut(plain, fed_by), _cut(marked, fed_by), tokens)
                print(
                    f"{tokens:>6}  {dialect:>8}  {fed_by:>7}  {first:>6.2f}  {second:>6.2f}  {ratio:.2f}",
                    flush=True,
                )
    print(f"goal: ratio <= {GOAL}")


def _best(plain: list[bytes], marked: list[bytes], tokens: int) -> tuple[float, float, float]:
    """The best pass of each, in microseconds per token, and the median of the ratios of pairs."""
    pairs: list[tuple[float, float]] = []
    until = time.perf_counter() + SECONDS
    while len(pairs) < 5 or time.perf_counter() < until:
        pairs.append((_one_pass(plain), _one_pass(marked)))
    columns = [1e6 * min(column) / tokens for column in zip(*pairs, strict=True)]
    return columns[0], columns[1], median(second / first for first, second in pairs)


def _one_pass(pieces: list[bytes]) -> float:
    """CPU seconds. Raises WrongTranslation."""
    translation = Translation()
    begun = time.process_time()
    for piece in pieces:
        translation.feed(piece)
    spent = time.process_time() - begun
    if "\ue200" in translation.text():  # raises if the answer is not over
        raise WrongTranslation("a mark is shown as it came")
    return spent


def _cut(records: list[bytes], fed_by: str) -> list[bytes]:
    if fed_by == "event":
        return records
    body = b"".join(records)
    return [body[a:b] for a, b in pairwise([*range(0, len(body), PIECE), len(body)])]


def plain_tokens(count: int) -> list[Token]:
    """So many tokens without marks, and without code, in which nothing is a mark."""
    prose = [token for token in reply_tokens(2 * count) if "`" not in token]
    return [Token(text) for text in prose[:count]]


def marked_tokens(count: int) -> list[Token]:
    """So many tokens, of which those of the marks are some."""
    tokens: list[Token] = []
    prose = iter(plain_tokens(count))
    for number in range(1, count // TOKENS_BETWEEN):
        mark, reference = _mark(number)
        tokens += islice(prose, TOKENS_BETWEEN - len(mark) - LATE)
        tokens += map(Token, mark)
        *others, last = islice(prose, LATE)
        tokens += (*others, Token(last.text, (reference,)))
    return [*tokens, *islice(prose, count - len(tokens))]


def _mark(number: int) -> tuple[Sequence[str], dict[str, object]]:
    """A mark as it comes, in one token or several, and what explains it."""
    result = f"turn0search{number}"
    alt: str | None = None
    match number % 5:
        case 3:
            mark: Sequence[str] = (
                '\ue200entity\ue202["city","',
                f"City {number}",
                '","capital',
                ' of it"]\ue201',
            )
            kind, alt = "entity", f"City {number}"
        case 0:
            mark = ("\ue200url\ue202the", f" manual {number}", f"\ue202{result}\ue201")
            kind = "webpage"
        case _:
            mark = (f"\ue200cite\ue202{result}\ue202turn0news{number}\ue201",)
            kind, alt = "grouped_webpages", f"([Page](https://example.org/{number}?utm_source=chatgpt.com))"
    return mark, _reference(number, kind, "".join(mark), alt)


def _reference(number: int, kind: str, mark: str, alt: str | None) -> dict[str, object]:
    url = f"https://example.org/{number}?utm_source=chatgpt.com"
    page = {
        "title": f"Page {number} of what is known about it",
        "url": url,
        "pub_date": 1795000000.0,
        "snippet": "What the page says of it, in the words of the page itself, and in two or three lines.",
        "attribution": "example.org",
        "refs": [{"turn_index": 0, "ref_type": "search", "ref_index": number}],
        "supporting_websites": [{"title": "Another page", "url": f"https://example.net/{number}"}],
        "hue": None,
    }
    return {
        "matched_text": mark,
        "start_idx": 60 * number,
        "end_idx": 60 * number + len(mark),
        "safe_urls": [url],
        "refs": [],
        "alt": alt,
        "prompt_text": None,
        "type": kind,
        "items": [page],
        "url": url,
        "fallback_items": None,
        "status": "done",
        "error": None,
        "style": None,
    }


def delta_records(tokens: Sequence[Token]) -> Iterator[bytes]:
    """Delta v1: a bare append for each token; references come in patches of their own."""
    root = {
        "message": _message("", done=False, references=[]),
        "conversation_id": CONVERSATION_ID,
        "error": None,
    }
    yield b'event: delta_encoding\ndata: "v1"\n\n'
    yield _delta({"p": "", "o": "add", "v": root, "c": 0})
    say_place = True
    for token in tokens:
        place: dict[str, object] = {"p": "/message/content/parts/0", "o": "append"} if say_place else {}
        yield _delta(place | {"v": token.text})
        say_place = bool(token.references)
        if say_place:
            change = {"p": REFERENCES, "o": "append", "v": list(token.references)}
            yield _delta({"p": "", "o": "patch", "v": [change]})
    ended = (("status", "finished_successfully"), ("end_turn", True))
    changes = [{"p": f"/message/{name}", "o": "replace", "v": value} for name, value in ended]
    yield _delta({"p": "", "o": "patch", "v": changes})
    yield b"data: [DONE]\n\n"


def snapshot_records(tokens: Sequence[Token]) -> Iterator[bytes]:
    """Snapshots: each has the whole text and all references so far."""
    text, references = "", list[dict[str, object]]()
    for token in (Token(""), *tokens):
        text += token.text
        references += token.references
        yield _snapshot(text, references, done=False)
    yield _snapshot(text, references, done=True)
    yield b"data: [DONE]\n\n"


def _snapshot(text: str, references: Sequence[dict[str, object]], *, done: bool) -> bytes:
    message = _message(text, done=done, references=references)
    return _data({"message": message, "conversation_id": CONVERSATION_ID, "error": None})


def _delta(change: dict[str, object]) -> bytes:
    return b"event: delta\n" + _data(change)


def _data(value: object) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def _message(text: str, *, done: bool, references: Sequence[dict[str, object]]) -> dict[str, object]:
    return {
        "id": ANSWER_ID,
        "author": {"role": "assistant", "name": None, "metadata": {}},
        "create_time": 1795333147.5,
        "update_time": None,
        "content": {"content_type": "text", "parts": [text]},
        "status": "finished_successfully" if done else "in_progress",
        "end_turn": True if done else None,
        "weight": 1.0,
        "metadata": {"message_type": "next", "model_slug": "gpt-5-6", "content_references": list(references)},
        "recipient": "all",
        "channel": "final",
    }


if __name__ == "__main__":
    main()
