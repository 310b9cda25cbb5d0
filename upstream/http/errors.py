"""What can go wrong between us and the backend.

    UpstreamError
    |-- ConnectFailed       nothing was delivered: refused, DNS, TLS or out of time while connecting
    |-- FirstByteTimeout    the request went out, no response headers came
    |-- IdleTimeout         the body fell silent
    |-- ProgressTimeout     the body went on, but with nothing that its reader can use
    |-- TotalTimeout        the whole exchange took too long
    |-- ConnectionLost      reset, closed or not HTTP: before the headers or in the body
    |-- ResponseRefused     an answer came, but not the one that was asked for, or too large a one
    |-- UnusableAnswer      something in an answer is missing, or is not what it should be
    `-- Aborted             the owner of the exchange stopped it

The rooms above add their own leaves. No text of these errors holds a key, the prefix, a URL or anything of
a body, so they may be logged.
"""

from typing import Literal


class UpstreamError(Exception):
    """Base of all failures of an exchange with the backend."""


class ConnectFailed(UpstreamError):
    """No connection could be made, so the request was certainly not delivered."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"cannot connect to the backend: {reason}")


class FirstByteTimeout(UpstreamError):
    """The backend accepted the connection but sent no response headers in time."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the backend sent no response within {seconds:g} s")


class IdleTimeout(UpstreamError):
    """The backend sent nothing for too long in the middle of a body."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the backend fell silent for {seconds:g} s")


class ProgressTimeout(UpstreamError):
    """The backend kept a body alive, with pings for example, but its reader got nothing new for too long."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the backend made no progress for {seconds:g} s")


class TotalTimeout(UpstreamError):
    """The exchange as a whole took too long."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the exchange with the backend took more than {seconds:g} s")


class ConnectionLost(UpstreamError):
    """The connection was made, but broke or turned out not to speak HTTP.

    `phase` tells whether response headers had arrived. The request may have been processed (and charged)
    either way.
    """

    def __init__(self, phase: Literal["before_headers", "body"], reason: str) -> None:
        where = "before any response" if phase == "before_headers" else "in mid-body"
        super().__init__(f"the connection to the backend was lost {where}: {reason}")
        self.phase: Literal["before_headers", "body"] = phase


class ResponseRefused(UpstreamError):
    """A complete HTTP answer that is not what was asked for, 2xx JSON instead of an event stream included.

    `content_type` is the bare media type in lower case ("" if there was none), `headers` the few response
    headers worth keeping, by lower-case name, and `body` at most the first 64 KiB.
    """

    def __init__(self, status: int, content_type: str, headers: dict[str, str], body: bytes) -> None:
        super().__init__(f"the backend answered with status {status} and no usable content")
        self.status = status
        self.content_type = content_type
        self.headers = headers
        self.body = body


class UnusableAnswer(UpstreamError):
    """An answer of the backend, or an id that it gave, is not what it should be."""

    def __init__(self, what: str) -> None:
        super().__init__(f"the backend gave no usable {what}")


class Aborted(UpstreamError):
    """The owner of the exchange called `Exchange.abort`."""

    def __init__(self) -> None:
        super().__init__("the exchange was aborted")
