"""What can go wrong with files, besides what can go wrong with any exchange.

    UpstreamError
    `-- FilesError
        |-- FileTooLarge        more bytes than are allowed, in either direction
        |-- FileMissing         the backend has no such file, or no longer
        |-- FileNotReady        the backend keeps saying that it needs a moment
        |-- SandboxGone         the sandbox that held the file has expired
        |-- Refused             any other refusal of a call, also a `ResponseRefused`
        |-- AddressExpired      a signed address is no longer honoured
        |-- AddressRefused      we do not follow an address that the backend gave
        `-- TransferRefused     the host of the bytes refused to take or give them

As everywhere in this package, no text holds a key, an address, a file's name or anything of a body.
"""

import re
from typing import Final

from upstream.http import JsonAnswer, ResponseRefused, UpstreamError

_PLAIN_CODE: Final = re.compile(r"[a-z0-9_]{1,60}")


class FilesError(UpstreamError):
    """Base of all failures that have to do with files."""


class FileTooLarge(FilesError):
    """More than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the file is larger than {limit} bytes")
        self.limit = limit


class FileMissing(FilesError):
    """The backend has no such file: it was never there, was deleted, or belongs to another account."""

    def __init__(self) -> None:
        super().__init__("the backend has no such file")


class FileNotReady(FilesError):
    """The backend still asked to try again after the last try."""

    def __init__(self) -> None:
        super().__init__("the backend does not have the file ready")


class SandboxGone(FilesError):
    """Sandboxes live for minutes to an hour; what was in this one is lost."""

    def __init__(self) -> None:
        super().__init__("the sandbox that held the file has expired")


class Refused(FilesError, ResponseRefused):
    """The backend refused a call: any status, 2xx included if the body says `status: error`.

    `code` is the backend's `error_code`, or "" if it gave none that looks like one. The rest is as in
    `ResponseRefused`.
    """

    def __init__(self, answer: JsonAnswer, code: object) -> None:
        ResponseRefused.__init__(self, answer.status, answer.content_type, answer.headers, answer.body)
        self.code = code if isinstance(code, str) and _PLAIN_CODE.fullmatch(code) else ""
        reason = f" ({self.code})" if self.code else ""
        self.args = (f"the backend refused a call about a file with status {answer.status}{reason}",)


class AddressExpired(FilesError):
    """Addresses of bytes are signed for about an hour; a new one has to be asked for."""

    def __init__(self) -> None:
        super().__init__("the address of the file has expired")


class AddressRefused(FilesError):
    """The backend gave an address that we don't follow, or one that redirects too often."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"an address that the backend gave can't be followed: {reason}")


class TransferRefused(FilesError):
    """The host of the bytes refused to take or give them, with this `status`."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the backend's storage answered with status {status}")
        self.status = status
