"""The models that the backend lists for each account (protocol notes, section 4.7)."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from accounts import Credential
from runtime import COMPUTING
from translate.backend import read_model_list
from translate.values import NO_MODELS, ListedModel, ModelList, size_in_memory
from upstream.account.per_account import KeepingLimits, PerAccount, told
from upstream.http import API, HttpClient

PATH: Final = f"{API}/models?history_and_training_disabled=false"
MAX_BYTES: Final = 4 << 20
"""Longest list that is read; those of today have some 50 KB."""
LARGE_BYTES: Final = 256 * 1024
"""Longer ones are read in a thread."""
KEPT: Final = KeepingLimits(fresh_seconds=900.0, retry_seconds=120.0, max_accounts=2000, max_bytes=8 << 20)
FIRST_SECONDS: Final = 2.0
"""How long the first request of an account may wait for its list."""
MAX_COMMON: Final = 16
"""Lists that are looked through for one that is the same: accounts of one plan have the same."""


class ModelLists:
    """Asks at the first use of an account, then again when what is known is old. Call `close` at the end."""

    def __init__(
        self,
        http: HttpClient,
        kept: KeepingLimits = KEPT,
        *,
        first_seconds: float = FIRST_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._http = http
        self._first_seconds = first_seconds
        self._lists = PerAccount(self._fetch, _weight, kept, clock)
        self._common: OrderedDict[tuple[ListedModel, ...], ModelList] = OrderedDict()

    def latest(self, credential: Credential) -> ModelList:
        """What is known of the account; an empty list if nothing is. Has it refreshed if it is old."""
        found = self._lists.latest(credential)
        if found is None:
            return NO_MODELS
        self._lists.refresh(credential)
        return found[0]

    def would_wait(self, credential: Credential) -> bool:
        """Whether `wait_first` would wait: nothing is known of the account, and it was not asked in vain."""
        return self._lists.would_wait(credential, self._first_seconds)

    async def wait_first(self, credential: Credential) -> ModelList:
        """What is known of the account, after waiting for it for a short time if need be."""
        await self._lists.wait_first(credential, self._first_seconds)
        return self.latest(credential)

    async def close(self) -> None:
        """Ask for nothing any more."""
        await self._lists.close()

    async def _fetch(self, credential: Credential) -> ModelList:
        answer = await self._http.call("GET", PATH, credential, limit=MAX_BYTES)
        body = told(answer)
        large = len(body) > LARGE_BYTES
        found = await COMPUTING.run(read_model_list, body) if large else read_model_list(body)
        common = self._common.setdefault(tuple(found), found)
        self._common.move_to_end(tuple(found))
        if len(self._common) > MAX_COMMON:
            self._common.popitem(last=False)
        return common


def _weight(found: ModelList) -> int:
    return 200 + sum(
        200
        + size_in_memory(
            model.slug,
            model.title,
            model.default_effort,
            model.reasoning_type,
            *model.efforts,
            *model.enabled_tools,
        )
        for model in found
    )
