"""What is known after a run: each turn as its client saw it, each account as backend and ledger saw it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

PRICE = 14
"""Units of the dearest message of the run."""
WHOLE, BROKEN, REFUSED, KILLED, WRONG = "whole", "broken", "refused", "killed", "wrong"
"""How a turn ended: with all of its answer, a part of it, an error, its instance, or the words of another."""
FAILURES = (500, 502, 503, 504)
"""Statuses of a failure of the backend, or of a service without any account that could be asked."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn; `at` is when it ended, in seconds of the run. `retry_after` is -1 if nothing was said.

    `windowed`: it asked for a GPT-4 message.
    """

    number: int
    ended: str
    at: float = 0.0
    windowed: bool = True
    status: int = 0
    code: str = ""
    retry_after: float = -1


@dataclass(frozen=True, slots=True)
class Booked:
    """What the ledger has of one account: units, and conversations of unknown outcome that count as spent."""

    units: int = 0
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class Book:
    """All of it. `accounts` are what `GET /__sim/accounts` counts, `ledger` has the same accounts by alias.

    Of an account are at most `concurrency` messages at once, and `cap` GPT-4 messages in `window` seconds.
    `surprises` are caps that the backend told before the service could know, by account; `kills` is how often
    an instance was killed, with at most `at_once` turns under way.
    """

    turns: Sequence[Turn]
    accounts: Mapping[str, Mapping[str, Any]]
    ledger: Mapping[str, Booked]
    concurrency: Mapping[str, int]
    cap: int
    window: float
    surprises: Mapping[str, int] = field(default_factory=dict)
    kills: int = 0
    at_once: int = 0


def problems(book: Book) -> list[str]:
    """What should not have been; nothing if all is well."""
    return [
        *_badly_ended(book),
        *_beyond_limits(book),
        *_wrongly_booked(book),
        *_spent_twice(book),
    ]


def summary(book: Book) -> list[str]:
    """The run in some lines."""
    ends = Counter(f"{turn.ended} {turn.status or ''} {turn.code}".strip() for turn in book.turns)
    lines = [f"{end}: {count}" for end, count in ends.most_common()]
    for name, counts in book.accounts.items():
        booked = book.ledger.get(name, Booked())
        lines.append(
            f"{name}: {counts['accepted']} of {counts['attempts']} accepted, {counts['units']} units, "
            f"{booked.units} booked ({booked.unknown} unknown), {counts['most_at_once']} at once, "
            f"{counts['refused_as_capped']} beyond the cap, {counts['denied']} denied"
        )
    return lines


def _badly_ended(book: Book) -> list[str]:
    """Turns that had neither an answer nor a reason that was true."""
    found = [f"turn {one.number} got the answer of another one" for one in book.turns if one.ended == WRONG]
    lost = sum(turn.ended == KILLED for turn in book.turns)
    if lost > book.kills * book.at_once:
        found.append(f"{lost} turns were cut off, more than {book.kills} kills account for")
    refused = [turn for turn in book.turns if turn.ended == REFUSED]
    found += [
        f"turn {turn.number} at {turn.at:.1f} s was refused with {turn.status} {turn.code}, {why}"
        for turn in refused
        if turn.status not in FAILURES and (why := _untrue(turn, book))
    ]
    whole = sum(turn.ended == WHOLE for turn in book.turns)
    failed = sum(turn.ended == BROKEN for turn in book.turns)
    failed += sum(turn.status in FAILURES and turn.retry_after < 0 for turn in refused)
    may = sum(counts["attempts"] + counts["denied"] for counts in book.accounts.values()) - whole
    if failed > may:
        found.append(f"{failed} turns failed, but the backend failed only {may} messages")
    return found


def _untrue(turn: Turn, book: Book) -> str:
    """Why a refusal that is no failure cannot be true; "" if it can.

    Nothing in a run but the caps limits anybody, and they are of GPT-4 messages alone.
    """
    if turn.status != 429:
        return "which nothing in the run can cause"
    if not turn.windowed:
        return "though no limit is of such a message"
    if not 0 <= turn.retry_after <= book.window + 1:
        return f"which may end in {turn.retry_after} s"
    since = turn.at - book.window - 1
    spent = sum(
        one.windowed and one.ended != REFUSED and since <= one.at <= turn.at + 1 for one in book.turns
    )
    return "" if spent >= book.cap else f"after only {spent} messages in a window"


def _beyond_limits(book: Book) -> list[str]:
    """Accounts that were asked for more than they may do."""
    found = []
    for name, counts in book.accounts.items():
        if counts["most_at_once"] > book.concurrency[name]:
            found.append(f"{name} had {counts['most_at_once']} messages at once")
        if counts["refused_as_busy"]:
            found.append(
                f"{name} was asked {counts['refused_as_busy']} times while it answered another message"
            )
        told = book.surprises.get(name, 0) * book.concurrency[name] * 2  # each of two instances may learn it
        if counts["refused_as_capped"] > told:
            found.append(f"{name} was asked {counts['refused_as_capped']} times beyond its cap")
    return found


def _wrongly_booked(book: Book) -> list[str]:
    """Accounts of which the ledger says another sum than the backend."""
    found = []
    for name in book.accounts.keys() | book.ledger.keys():
        accepted = book.accounts.get(name, {}).get("units", 0)
        booked = book.ledger.get(name, Booked())
        if not accepted <= booked.units <= accepted + PRICE * booked.unknown:
            found.append(
                f"{name}: {booked.units} units booked, {booked.unknown} conversations unknown; "
                f"the backend accepted {accepted}"
            )
    unknown = sum(booked.unknown for booked in book.ledger.values())
    if unknown > book.kills * book.at_once:
        found.append(f"{unknown} conversations are unknown, more than {book.kills} kills account for")
    return found


def _spent_twice(book: Book) -> list[str]:
    """More answers than turns that can have had one."""
    accepted = sum(counts["accepted"] for counts in book.accounts.values())
    may = sum(turn.ended != REFUSED or turn.status in FAILURES for turn in book.turns)
    if accepted > may:
        return [f"the backend began {accepted} answers for {may} turns"]
    return []
