"""References that become more while an answer grows: taken one by one or all at once, they say the same."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.translate.deltas import ENCODING, TEXT, delta
from tests.translate.reading import Answer, answer
from tests.translate.test_conversation_calls import Seen
from tests.translate.wire import DONE, Json, finished, message, sse

REFERENCES = "/message/metadata/content_references"
OTHERS: Json = {"p": "/message/status", "o": "replace", "v": "in_progress"}


def mark(number: int) -> str:
    return f"\ue200cite\ue202turn0search{number}\ue201"


def reference(number: int, **more: object) -> Json:
    page = {"title": f"Page {number}", "url": f"https://example.org/{number}"}
    about: Json = {"matched_text": mark(number), "start_idx": 0, "end_idx": 9, "type": "grouped_webpages"}
    return about | {"alt": f"([Page {number}](https://example.org/{number}))", "items": [page]} | more


LOADING: Json = {"alt": None, "items": [], "status": "loading"}
CHANGES: dict[str, Callable[[int], Json]] = {
    "added": lambda known: {"p": REFERENCES, "o": "append", "v": [reference(known)]},
    "added, two": lambda known: {
        "p": REFERENCES,
        "o": "append",
        "v": [reference(known), reference(known + 1)],
    },
    "added alone": lambda known: {"p": REFERENCES, "o": "append", "v": reference(known)},
    "added, not filled": lambda known: {
        "p": REFERENCES,
        "o": "append",
        "v": [reference(known, **LOADING)],
    },
    "filled": lambda known: {"p": f"{REFERENCES}/{max(0, known - 1)}/alt", "o": "replace", "v": "(filled)"},
    "filled by a page": lambda known: {
        "p": f"{REFERENCES}/0/items",
        "o": "append",
        "v": [{"title": "Late", "url": "https://late.example/"}],
    },
    "filled, in no place": lambda known: {"p": f"{REFERENCES}/0/items/9/title", "o": "replace", "v": "x"},
    "no object": lambda known: {"p": REFERENCES, "o": "append", "v": [None]},
    "nothing": lambda known: {"p": REFERENCES, "o": "append", "v": []},
    "rebuilt": lambda known: {"p": REFERENCES, "o": "replace", "v": [reference(0, alt="(anew)")]},
    "cut": lambda known: {"p": REFERENCES, "o": "truncate", "v": 0},
    "removed": lambda known: {"p": REFERENCES, "o": "remove"},
    "other": lambda known: OTHERS,
    "all": lambda known: {"p": "/message/metadata", "o": "append", "v": {"content_references": []}},
}
"""What a record may do to the references, of which so many were announced before."""

WORDS = st.sampled_from((" word", " is", ".", "", "\n\n", " `code`", " [a](", " 你好", "🔥"))
STEPS = st.one_of(
    st.tuples(st.just("text"), WORDS),
    st.tuples(st.just("mark"), st.integers(0, 6)),
    st.tuples(
        st.sampled_from(("patch", "bare patch", "record", "patch with text")), st.sampled_from([*CHANGES])
    ),
)


def stream_of(steps: list[tuple[str, object]], *, listed: bool, event: bool) -> bytes:
    """A cited answer in delta v1; with `listed` its message begins with an empty list of references."""
    root = message("", metadata={"content_references": []} if listed else {})
    records: list[Json] = [{"p": "", "o": "add", "v": root, "c": 0}]
    placed, known = False, 0
    for kind, what in steps:
        if kind in ("text", "mark"):
            text = mark(what) if isinstance(what, int) else what
            records.append({"v": text} if placed else {"p": TEXT, "o": "append", "v": text})
            placed = True
            continue
        change = CHANGES[str(what)](known)
        known += str(what).startswith("added") + (what == "added, two")
        placed = False
        if kind == "record":
            records.append(change)
        elif kind == "bare patch":
            records.append({"v": [change]})
        else:
            more = [{"p": TEXT, "o": "append", "v": " and"}] if kind == "patch with text" else []
            records.append({"p": "", "o": "patch", "v": [change, *more]})
    ended = {"status": "finished_successfully", "end_turn": True}
    records.append(
        {
            "p": "",
            "o": "patch",
            "v": [{"p": f"/message/{key}", "o": "replace", "v": v} for key, v in ended.items()],
        }
    )
    framed = b"".join(map(delta, records))
    return ENCODING + (framed if event else framed.replace(b"event: delta\n", b"")) + DONE


def said(seen: Answer) -> tuple[object, ...]:
    """What a client learns."""
    player = seen.player
    return seen.text, seen.conversation.citations, seen.finish_reason, player.error and player.error.message


@given(st.lists(STEPS, max_size=14), st.booleans(), st.booleans(), st.sampled_from((0, 1, 7, 60, 500)))
def test_changes_of_references_say_the_same_however_they_are_taken(
    steps: list[tuple[str, object]], listed: bool, event: bool, size: int
) -> None:
    stream = stream_of(steps, listed=listed, event=event)
    slow = answer(stream, fast=False)
    fast = answer(stream, sizes=[size] if size else ())
    assert said(fast) == said(slow)


@given(st.lists(st.one_of(WORDS, st.integers(0, 5), st.none()), max_size=14), st.booleans(), st.booleans())
def test_snapshots_with_more_and_more_references_say_the_same_however_they_are_taken(
    steps: list[str | int | None], twice: bool, raw: bool
) -> None:
    text, references, records = "", list[Json](), list[Json]()
    for step in steps:
        if step is None:
            references += [reference(len(references))] * (1 + twice)
        else:
            text += mark(step) if isinstance(step, int) else step
        metadata: Json = {"content_references": list(references), "model_slug": "m"}
        records.append(message(text, metadata=metadata))
    last = finished(text)
    last["message"]["metadata"] |= {"content_references": references}  # type: ignore[index]
    stream = sse(*records, last, raw=raw)
    fast, slow = answer(stream), answer(stream, fast=False)
    assert said(fast) == said(slow)


def cited(*records: Json | str) -> bytes:
    """A cited answer in delta v1: texts are records that only add to it."""
    root = message("", metadata={"content_references": []})
    out = ENCODING + delta({"p": "", "o": "add", "v": root, "c": 0})
    for record in records:
        out += delta({"v": record} if isinstance(record, str) else record)
    return (
        out
        + delta({"p": "", "o": "patch", "v": [{"p": "/message/end_turn", "o": "replace", "v": True}]})
        + DONE
    )


def patch(*changes: Json) -> Json:
    return {"p": "", "o": "patch", "v": list(changes)}


def added(*references: object) -> Json:
    return {"p": REFERENCES, "o": "append", "v": list(references)}


def place(text: str) -> Json:
    return {"p": TEXT, "o": "append", "v": text}


def backwards(text: str) -> Json:
    """The same, written otherwise."""
    return {"v": text, "o": "append", "p": TEXT}


LINKS = "A([Page 0](https://example.org/0)) b([Page 1](https://example.org/1)) c."
A, B, C, M0, M1 = place("A"), place(" b"), place(" c."), mark(0), mark(1)
ADD0, ADD1 = added(reference(0)), added(reference(1))
FILL0: Json = {"p": f"{REFERENCES}/0/alt", "o": "replace", "v": "([Page 0](https://example.org/0))"}
NOWHERE: Json = {"p": f"{REFERENCES}/0/items/9/title", "o": "replace", "v": "x"}
ABSENT: Json = {"p": f"{REFERENCES}/7/alt", "o": "replace", "v": "x"}


@pytest.mark.parametrize(
    "records",
    [
        # One by one, each behind its mark; then a record says again where the text stands, in some way.
        [A, M0, patch(ADD0), B, M1, patch(ADD1), C, ""],
        [A, M0, patch(ADD0), backwards(" b" + M1), patch(ADD1), C],
        [backwards("A"), M0, patch(ADD0), B, M1, patch(ADD1), C],
        [A, M0, ADD0, B, M1, ADD1, C],
        # Two at once, and one right behind the other.
        [A, patch(added(reference(0), reference(1))), place(M0), " b", M1, " c."],
        [A, patch(ADD0), patch(ADD1), place(M0), " b", M1, " c."],
        # Filled later, with something that fits in no place, and with other changes in the same record.
        [A, M0, patch(added(reference(0, **LOADING))), B, M1, patch(FILL0), patch(ADD1, OTHERS), C],
        [A, M0, patch(ADD0), B, M1, patch(NOWHERE, ADD1), NOWHERE, C, ADD1],
        # What is no reference, and what is not where it is looked for.
        [A, M0, patch(added(None, reference(0))), B, M1, patch(ADD1), C],
        [place("A" + M0), patch(ABSENT, ADD0), place(" b" + M1 + " c."), added(reference(0), reference(1))],
    ],
)
@pytest.mark.parametrize("sizes", [(), (1,), (300,)])
def test_references_come_one_by_one_or_together_and_in_any_record(
    records: list[Json | str], sizes: tuple[int, ...]
) -> None:
    stream = cited(*records)
    slow, fast = answer(stream, fast=False), answer(stream, sizes=sizes)
    assert said(fast) == said(slow)
    assert fast.text == LINKS


def test_stop_sequence_and_the_end_hold_for_text_that_waits_for_a_citation() -> None:
    stream = cited(place("A"), mark(0), " b", " stop", " c", patch(added(reference(0))), place(" d"))
    for fast in (True, False):
        assert answer(stream, stop=["stop"], fast=fast).text == "A([Page 0](https://example.org/0)) b "


def test_damage_between_references_is_seen_on_the_fast_path_too() -> None:
    broken = delta(patch(added(reference(0)))).replace(b'"p"', b'"p', 1)
    stream = cited(place("A"), mark(0)).removesuffix(DONE) + broken
    assert answer(stream, fast=False).text == answer(stream).text


def test_stop_sequence_is_met_in_text_that_has_waited_long_enough() -> None:
    stream = cited(A, M0, *[" word"] * 600, " stop", " c")
    for fast in (True, False):
        seen = answer(stream, stop=["stop"], fast=fast)
        assert (seen.text, seen.finish_reason) == ("A" + " word" * 600 + " ", "stop")


def test_stop_sequence_is_met_in_text_that_goes_on_behind_references() -> None:
    stream = cited(A, M0, " b", patch(ADD0), place(" c"), " stop", " d")
    for fast in (True, False):
        seen = answer(stream, stop=["stop"], fast=fast)
        assert (seen.text, seen.finish_reason) == ("A([Page 0](https://example.org/0)) b c ", "stop")


def test_snapshot_may_bring_text_and_references_at_once() -> None:
    texts = ("A" + M0, "A" + M0 + " b", "A" + M0 + " b" + M1, "A" + M0 + " b" + M1 + " c.")
    known: tuple[list[Json], ...] = ([], [reference(0)], [reference(0)], [reference(0), reference(1)])
    pairs = zip(texts, known, strict=True)
    records = [message(text, metadata={"content_references": references}) for text, references in pairs]
    assert (
        answer(sse(message("", metadata={"content_references": []}), *records, finished(texts[-1]))).text
        == LINKS
    )


@pytest.mark.parametrize("sizes", [(), (1,), (300,)])
def test_text_goes_on_where_it_stands_when_a_record_of_another_kind_came_in_between(
    sizes: tuple[int, ...],
) -> None:
    aside = b'data: {"type": "title_generation", "title": "Tea"}\n\n'
    stream = cited(place("A"), patch(added(reference(0))), place(" b"), " c", " d")
    at = stream.index(delta({"v": " c"}))
    stream = stream[:at] + aside + stream[at:]
    assert answer(stream, fast=False).text == "A b c d"
    assert answer(stream, sizes=sizes).text == "A b c d"


@pytest.mark.parametrize("fast", [True, False])
def test_reference_that_comes_before_the_first_word_is_known_when_its_mark_comes(fast: bool) -> None:
    stream = cited(patch(added(reference(0))), place(mark(0)))
    assert answer(stream, fast=fast).text == "([Page 0](https://example.org/0))"


def test_white_space_before_references_waits_no_longer_than_them_where_tools_may_be_called() -> None:
    stream = cited(place("A"), patch(ADD0), place(" b "), patch(ADD1), place("c."))
    for size in (0, 1, 300):
        assert Seen(stream, sizes=[size] if size else ()).text == "A b c."
