"""The description of one GPT, asked of the backend; and why there is none, in words for an operator."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from accounts import Credential
from translate.backend import error_from_response, read_detail, read_gizmo
from translate.values import Forbidden, Gizmo, Unauthorized
from upstream.http import (
    ConnectFailed,
    FirstByteTimeout,
    HttpClient,
    IdleTimeout,
    JsonAnswer,
    TotalTimeout,
    UpstreamError,
)

GIZMOS_PATH: Final = "/backend-api/gizmos/"


class Cause(Enum):
    """What a failure means for later attempts."""

    PASSING = auto()
    """An outage, or something else that may be over in a moment."""
    LASTING = auto()
    """It takes a person to change it."""
    KEY_REFUSED = auto()
    """Lasting, and it is about the key rather than about the GPT."""
    GONE = auto()
    """Lasting: the backend has no such GPT, or no longer."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no description. ``reason`` holds nothing of the backend's own words.

    ``answer`` is the backend's answer if it refused the key.
    """

    reason: str
    cause: Cause = Cause.PASSING
    answer: JsonAnswer | None = None

    @property
    def lasting(self) -> bool:
        """Trying again soon makes no sense."""
        return self.cause is not Cause.PASSING


async def fetch_gizmo(client: HttpClient, gizmo_id: str, credential: Credential) -> Gizmo | Failure:
    """Ask for a GPT by a well-formed id, short or with its slug; takes 30 s at most.

    Raises:
        ValueError: the credential can't travel in a header.
    """
    try:
        answer = await client.call("GET", GIZMOS_PATH + gizmo_id, credential)
    except ConnectFailed:
        return Failure("the backend cannot be reached")
    except (FirstByteTimeout, IdleTimeout, TotalTimeout):
        return Failure("the backend did not answer in time")
    except UpstreamError as error:
        return Failure(str(error))
    if not 200 <= answer.status < 300:
        return _refusal(answer)
    try:
        return read_gizmo(answer.body, gizmo_id)
    except ValueError as error:
        return Failure(f"the backend's description of it is not usable: {error}")


def _refusal(answer: JsonAnswer) -> Failure:
    status = answer.status
    detail = read_detail(answer.body)
    if status in (404, 410, 422) and not detail.html:
        # A path that a proxy or the backend itself does not have is answered in just these words.
        if detail.message.lower() == "not found":
            return Failure(
                f"the backend does not know the path ({status}): check BASE_URL, PROXY_API_PREFIX and its id",
                Cause.LASTING,
            )
        return Failure(f"the backend does not know it ({status}): check its id", Cause.GONE)
    error = error_from_response(status, answer.body, content_type=answer.content_type)
    if isinstance(error, Unauthorized) or (isinstance(error, Forbidden) and error.code):
        return Failure(
            f"the backend refused the key that asked for its description ({status}): see KEY_FOR_GPTS_INFO",
            Cause.KEY_REFUSED,
            answer,
        )
    if isinstance(error, Forbidden):
        return Failure(
            f"the account that asked has no access to it ({status}): share it, or ask with another key",
            Cause.LASTING,
        )
    if error.code == "upstream_challenge":
        return Failure(f"the backend asks for a challenge that cannot be passed ({status})")
    return Failure(f"the backend failed (status {status})")
