"""Asking the backend for the description of one GPT (protocol notes, section 4.4)."""

from typing import Final

from accounts import Credential
from translate.backend import error_from_response, read_detail, read_gizmo
from translate.values import Forbidden, Gizmo, Unauthorized, short_id
from upstream.gpts.errors import FailureKind, FetchFailure
from upstream.http import (
    API,
    ConnectFailed,
    FirstByteTimeout,
    HttpClient,
    IdleTimeout,
    JsonAnswer,
    TotalTimeout,
    UpstreamError,
)

_GONE_STATUSES: Final = (404, 410, 422)


async def fetch_description(
    client: HttpClient, gizmo_id: str, credential: Credential
) -> Gizmo | FetchFailure:
    """Return the backend's description of a GPT, or why there is none.

    `gizmo_id` is well-formed, short or with its slug. A slug that the backend does not know, as after the GPT
    was renamed, is tried once by the short id in it. Takes no longer than two JSON calls may take.

    Raises:
        ValueError: the credential can't travel in a header.
    """
    outcome = await _fetch(client, gizmo_id, credential)
    unknown = isinstance(outcome, FetchFailure) and outcome.unknown
    if not unknown or (short := short_id(gizmo_id)) == gizmo_id:
        return outcome
    by_short_id = await _fetch(client, short, credential)
    return outcome if isinstance(by_short_id, FetchFailure) and by_short_id.unknown else by_short_id


async def _fetch(client: HttpClient, gizmo_id: str, credential: Credential) -> Gizmo | FetchFailure:
    try:
        answer = await client.call("GET", f"{API}/gizmos/{gizmo_id}", credential)
    except ConnectFailed:
        return FetchFailure("the backend cannot be reached")
    except (FirstByteTimeout, IdleTimeout, TotalTimeout):
        return FetchFailure("the backend did not answer in time")
    except UpstreamError as error:
        return FetchFailure(str(error))
    if not answer.successful:
        return _refusal(answer)
    try:
        return read_gizmo(answer.body, gizmo_id)
    except ValueError as error:
        return FetchFailure(f"the backend's description of it is not usable: {error}")


def _refusal(answer: JsonAnswer) -> FetchFailure:
    """What a refusal means (protocol notes, sections 4.4 and 14.1)."""
    status = answer.status
    detail = read_detail(answer.body)
    if status in _GONE_STATUSES and not detail.html:
        # A path that a proxy or the backend itself does not have is answered in just these words.
        if detail.message.lower() == "not found":
            return FetchFailure(
                f"the backend does not know the path ({status}): check BASE_URL, PROXY_API_PREFIX and its id",
                FailureKind.PERMANENT,
                unknown=True,
            )
        return FetchFailure(
            f"the backend does not know it ({status}): check its id", FailureKind.GONE, unknown=True
        )
    error = error_from_response(status, answer.body, content_type=answer.content_type)
    if isinstance(error, Unauthorized) or (isinstance(error, Forbidden) and error.code):
        return FetchFailure(
            f"the backend refused the key that asked for its description ({status}): see KEY_FOR_GPTS_INFO",
            FailureKind.PERMANENT,
            answer,
        )
    if isinstance(error, Forbidden):
        return FetchFailure(
            f"the account that asked has no access to it ({status}): share it, or ask with another key",
            FailureKind.PERMANENT,
        )
    if error.code == "upstream_challenge":
        return FetchFailure(f"the backend asks for a challenge that cannot be passed ({status})")
    return FetchFailure(f"the backend failed (status {status})")
