"""Following a turn by the resume endpoint."""

import json
from typing import Final

from translate.values import Elsewhere
from upstream.elsewhere.pursuit import Pursuit
from upstream.http import API, CONDUIT, UpstreamError

RESUME_PATH: Final = f"{API}/f/conversation/resume"


async def resume(pursuit: Pursuit, elsewhere: Elsewhere) -> None:
    """Give the reader the stream from where it broke, or from its start if that is not known.

    Raises:
        ResponseRefused: the backend does not resume this stream.
        UpstreamError: the transport failed; or see `Pursuit`.
    """
    known = elsewhere.records is not None and elsewhere.token
    body = {"conversation_id": elsewhere.conversation_id, "offset": elsewhere.records if known else 0}
    token = {CONDUIT: elsewhere.token} if elsewhere.token else {}
    try:
        answer = await pursuit.http.stream(
            RESUME_PATH,
            pursuit.credential,
            json.dumps(body).encode(),
            lambda data: pursuit.receive(data, fresh=not known),
            pursuit.exchange().begin(),
            extra_headers=token,
        )
    except UpstreamError:
        pursuit.check()  # if that is what ended it
        raise
    pursuit.heard()
    if answer is not None:
        raise answer.refusal()
