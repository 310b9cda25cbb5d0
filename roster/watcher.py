"""The roster while the service runs: its file, and those of its secrets, are read again when they change."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

from accounts import Account, Caller, Grant
from roster.roster import Roster, RosterError
from roster.roster_file import Loaded, RosterFile, Signatures
from runtime import SMALL_FILES, BackgroundTasks, ChangeDetector, listed, signature_of

log = logging.getLogger("pandora")

POLL_SECONDS: Final = 2.0

OnChange = Callable[[Roster], None]


class RosterWatcher:
    """Holds the roster as it is now. It is read at once, which blocks; raises RosterError.

    The files are looked at every `poll_seconds`. A file that cannot be used changes nothing, and the log says
    why, once; nor does one that is not there any more: keys that were known would be strangers' then. Tokens
    are renewed all the same. `clock` gives Unix seconds.
    """

    def __init__(
        self,
        file: RosterFile,
        *,
        poll_seconds: float = POLL_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._file = file
        self._poll_seconds = poll_seconds
        self._clock = clock
        loaded = file.load()
        self._current, self._content = loaded.roster, loaded.content
        self._changes = ChangeDetector[Signatures](loaded.signatures)
        self._watched = tuple(loaded.signatures)
        self._told = ""
        self._listeners: list[OnChange] = []
        self._reload_requested = asyncio.Event()
        self._reading = asyncio.Lock()
        self._tasks = BackgroundTasks()

    @property
    def current(self) -> Roster:
        """The roster as it is now."""
        return self._current

    def on_change(self, call: OnChange) -> None:
        """Have `call` called with each new roster from now on."""
        self._listeners.append(call)

    def grant_of(self, caller: Caller) -> Grant | None:
        """What the key of `caller` may do now, None if it is no key of this service, or not any more."""
        grant = self._current.grant_for(caller.key)
        return None if grant is None or grant.has_expired(self._clock()) else grant

    def start(self) -> None:
        """Begin to watch the files; returns at once. The log tells what there is, and what has no effect."""
        if self._content is not None:
            log.info(
                "%s: %d accounts, %d keys",
                self._file.path.name,
                len(self._current.accounts),
                len(self._current.grants),
            )
        _tell_problems(self._current, ())
        self._tasks.start(self._keep_watching())

    def reload(self) -> None:
        """Read the files again soon, even if they have not changed."""
        self._reload_requested.set()

    async def close(self) -> None:
        """Watch no more."""
        await self._tasks.cancel()

    async def read_again(self) -> None:
        """Read the files again now. Raises RosterError: the roster stays as it was."""
        async with self._reading:
            seen = await SMALL_FILES.run(self._signatures)
            try:
                loaded = await SMALL_FILES.run(self._load)
            except RosterError as error:
                self._watch(seen)
                self._tell(str(error))
                await self._renew_secrets()
                raise
            self._told = ""
            self._watch(loaded.signatures)
            self._take(loaded)

    async def reread_credential(self, used: Account) -> bool:
        """Whether an account has another credential than it was `used` with; what stands for it is read again
        now.

        What is only half written, or gone, changes nothing.
        """
        alias = used.alias
        async with self._reading:
            before = self._current.account(alias)
            if before is None or self._content is None:
                return False
            if before.credential is not None and before.credential != used.credential:
                return True  # it was read meanwhile
            try:
                loaded = await SMALL_FILES.run(self._file.interpreted, self._content)
            except RosterError:
                return False
            account = loaded.roster.account(alias)
            if account is None or account.credential is None or account.credential == before.credential:
                return False
            log.info("the account %s has a new credential", alias)
            self._replace(self._current.with_account(account))
            return True

    async def _keep_watching(self) -> None:
        while True:
            requested = await self._reload_requested_within(self._poll_seconds)
            seen = await SMALL_FILES.run(self._signatures)
            if self._changes.look(seen) or requested:
                try:
                    await self.read_again()
                except RosterError:
                    continue  # it was told

    async def _reload_requested_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._reload_requested.wait()
        except TimeoutError:
            return False
        self._reload_requested.clear()
        self._told = ""
        return True

    def _signatures(self) -> Signatures:
        return {path: signature_of(path) for path in self._watched}

    def _load(self) -> Loaded:
        loaded = self._file.load()
        if loaded.content is None and self._content is not None:
            raise RosterError("it is not there any more")
        return loaded

    def _watch(self, signatures: Signatures) -> None:
        """Look at these files from now on, which were read when they had these signatures."""
        if signatures.keys() != set(self._watched):
            self._changes = ChangeDetector(signatures)
            self._watched = tuple(signatures)
        self._changes.has_been_read(signatures)

    async def _renew_secrets(self) -> None:
        """Read the secrets of the roster that stays again."""
        if self._content is None:
            return
        try:
            loaded = await SMALL_FILES.run(self._file.interpreted, self._content)
        except RosterError:
            return
        if loaded.roster != self._current:
            self._replace(loaded.roster)

    def _take(self, loaded: Loaded) -> None:
        before, after = self._current, loaded.roster
        self._content = loaded.content
        self._replace(after)
        accounts, keys = {a.alias for a in after.accounts}, {g.alias for g in after.grants}
        accounts_before, keys_before = {a.alias for a in before.accounts}, {g.alias for g in before.grants}
        log.info(
            "%s read again: %d accounts, %d keys%s",
            self._file.path.name,
            len(accounts),
            len(keys),
            listed("new accounts", accounts - accounts_before)
            + listed("accounts gone", accounts_before - accounts)
            + listed("new keys", keys - keys_before)
            + listed("keys gone", keys_before - keys),
        )
        _tell_problems(after, before.problems)

    def _replace(self, roster: Roster) -> None:
        self._current = roster
        for call in self._listeners:
            call(roster)

    def _tell(self, problem: str) -> None:
        if problem != self._told:
            self._told = problem
            log.error(
                "%s is not usable, accounts and keys stay as they were: %s", self._file.path.name, problem
            )


def _tell_problems(roster: Roster, known: tuple[str, ...]) -> None:
    for problem in roster.problems:
        if problem not in known:
            log.warning("%s", problem)
