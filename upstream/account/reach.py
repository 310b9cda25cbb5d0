"""Whether the backend can be reached with a credential, found out without a message and at no cost."""

from dataclasses import dataclass
from typing import Final

from accounts import Credential
from translate.backend import error_from_response, read_model_list
from upstream.account.model_lists import MAX_BYTES, PATH
from upstream.account.per_account import NOT_OFFERED
from upstream.http import HttpClient, JsonAnswer, UpstreamError, conversation_path

REFUSED: Final = (401, 403)
"""Statuses for a key that is not accepted; a web page with one is of a guard in front of the backend."""
NO_CONVERSATION: Final = conversation_path("00000000-0000-0000-0000-000000000000")
"""A conversation that nobody has. A backend says so in its own words, and what is none does not."""


@dataclass(frozen=True, slots=True)
class Reached:
    """What came of it: `good`, or not, and a sentence about that without secrets."""

    good: bool
    text: str


async def reach(http: HttpClient, credential: Credential | None) -> Reached:
    """Ask for the models of the account; with a key that nobody has if there is no `credential`.

    A backend without a list of models is asked for a conversation, so that it is told from one that is not
    there at all.
    """
    asking = credential or Credential("nobody")
    try:
        answer = await http.call("GET", PATH, asking, limit=MAX_BYTES)
        listed = answer.status not in NOT_OFFERED
        if not listed:
            answer = await http.call("GET", NO_CONVERSATION, asking, limit=MAX_BYTES)
    except (UpstreamError, ValueError) as error:
        return Reached(False, str(error))
    if answer.status in REFUSED and answer.content_type == "text/html":
        return Reached(False, f"a web page with status {answer.status} came in place of an answer")
    if answer.status in REFUSED and credential is None:
        return Reached(True, "reached")
    if answer.status in REFUSED:
        return Reached(False, f"the key is refused with status {answer.status}")
    return _of_models(answer) if listed else _of_a_conversation(answer)


def _of_models(answer: JsonAnswer) -> Reached:
    if not answer.successful:
        return Reached(False, f"it answers with status {answer.status}")
    try:
        listed = len(read_model_list(answer.body).models)
    except ValueError:
        listed = 0
    if not listed:
        return Reached(False, "what answers lists no models: is BASE_URL right?")
    return Reached(True, f"reached, and lists {listed} models")


def _of_a_conversation(answer: JsonAnswer) -> Reached:
    """What the answer to the question for a conversation means, where there is no list of models."""
    if error_from_response(answer.status, answer.body).code == "conversation_not_found":
        return Reached(True, "reached; it has no list of models")
    return Reached(
        False,
        f"neither models nor conversations are there (status {answer.status}): is PROXY_API_PREFIX right?",
    )
