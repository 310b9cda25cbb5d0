"""Accounts, and books of their states, for tests."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final

from accounts import Account, Credential
from pool import HealthBook, HealthStore

NOW: Final = 1_800_000_000.0


class Clock:
    """Unix seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def account(alias: str = "alice", secret: str | None = "fk-secret") -> Account:
    """An account with that secret, or without a credential."""
    return Account(alias=alias, credential=None if secret is None else Credential(secret))


def book_over(store: HealthStore, clock: Clock, aliases: Iterable[str] = ("alice", "bob")) -> HealthBook:
    """A book of these accounts, without anything random, that is yet to be started."""
    book = HealthBook(store, clock=clock, random=lambda: 0.0, retry=0.05)
    book.keep(aliases)
    return book


@asynccontextmanager
async def running(book: HealthBook) -> AsyncIterator[HealthBook]:
    """The book, started; it is closed at the end."""
    await book.start()
    try:
        yield book
    finally:
        await book.close()
