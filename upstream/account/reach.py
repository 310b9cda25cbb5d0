"""Whether the backend can be reached with a credential, found out without a message and at no cost."""

from dataclasses import dataclass
from typing import Final

from accounts import Credential
from translate.backend import read_model_list
from upstream.account.model_lists import MAX_BYTES, PATH
from upstream.account.per_account import NOT_OFFERED
from upstream.http import HttpClient, UpstreamError

REFUSED: Final = (401, 403)
"""Statuses for a key that is not accepted; a web page with one is of a guard in front of the backend."""


@dataclass(frozen=True, slots=True)
class Reached:
    """What came of it: `good`, or not, and a sentence about that without secrets."""

    good: bool
    text: str


async def reach(http: HttpClient, credential: Credential | None) -> Reached:
    """Ask for the models of the account; with a key that nobody has if there is no `credential`."""
    try:
        answer = await http.call("GET", PATH, credential or Credential("nobody"), limit=MAX_BYTES)
    except (UpstreamError, ValueError) as error:
        return Reached(False, str(error))
    if answer.status in REFUSED and answer.content_type == "text/html":
        return Reached(False, f"a web page with status {answer.status} came in place of an answer")
    if answer.status in REFUSED and credential is None:
        return Reached(True, "reached")
    if answer.status in REFUSED:
        return Reached(False, f"the key is refused with status {answer.status}")
    if answer.status in NOT_OFFERED:
        return Reached(
            False, f"there is no list of models (status {answer.status}): is PROXY_API_PREFIX right?"
        )
    if not answer.successful:
        return Reached(False, f"it answers with status {answer.status}")
    try:
        listed = len(read_model_list(answer.body).models)
    except ValueError:
        listed = 0
    if not listed:
        return Reached(False, "what answers lists no models: is BASE_URL right?")
    return Reached(True, f"reached, and lists {listed} models")
