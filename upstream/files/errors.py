"""What can go wrong with files, besides what can go wrong with any exchange.

    UpstreamError
    `-- FilesError
        |-- FileTooLarge        more bytes than are allowed, in either direction
        |-- FileHasNoRoom       too many bytes of files are held here already
        |-- FileMissing         the backend has no such file, or no longer
        |-- FileNotReady        the backend keeps saying that it needs a moment
        |-- SandboxGone         the sandbox that held the file has expired
        |-- CallRefused         any other refusal of a call, also a `ResponseRefused`
        |-- AudioMissing        the backend has no speech, or no transcriptions
        |-- AddressExpired      a signed address is no longer valid
        |-- AddressRefused      the backend gave an address that is not followed
        `-- TransferRefused     the host of the bytes refused to take or give them

As everywhere in `upstream`, no text holds a key, an address, a file's name or anything of a body.
"""

import re
from typing import Final

from upstream.http import JsonAnswer, ResponseRefused, UpstreamError

_PLAIN_CODE: Final = re.compile(r"[a-z0-9_]{1,60}")


class FilesError(UpstreamError):
    """Base of all failures that have to do with files."""


class FileTooLarge(FilesError):
    """The file has more than the allowed number of bytes, `limit`."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the file is larger than {limit} bytes")


class FileHasNoRoom(FilesError):
    """There was no room for the bytes of the file in time."""

    def __init__(self) -> None:
        super().__init__("there is no room in memory for the file at the moment")


class FileMissing(FilesError):
    """The backend has no such file: it was never there, was deleted, or belongs to another account."""

    def __init__(self) -> None:
        super().__init__("the backend has no such file")


class AudioMissing(FilesError):
    """The backend has no such route, or not for this account."""

    def __init__(self) -> None:
        super().__init__("the backend has no audio")


class FileNotReady(FilesError):
    """The backend still asked to try again at the last try."""

    def __init__(self) -> None:
        super().__init__("the backend does not have the file ready")


class SandboxGone(FilesError):
    """The sandbox has expired, after minutes to an hour; its files are lost (protocol notes, section 10)."""

    def __init__(self) -> None:
        super().__init__("the sandbox that held the file has expired")


class CallRefused(FilesError, ResponseRefused):
    """The backend refused a call: any status, 2xx included if the body says `status: error`.

    `code` is the backend's `error_code`; the text shows it if it looks like one. The attributes are those of
    `ResponseRefused`.
    """

    def __init__(self, answer: JsonAnswer, code: object) -> None:
        ResponseRefused.__init__(self, answer.status, answer.content_type, answer.headers, answer.quotable)
        reason = f" ({code})" if isinstance(code, str) and _PLAIN_CODE.fullmatch(code) else ""
        self.args = (f"the backend refused a call about a file with status {answer.status}{reason}",)


class AddressExpired(FilesError):
    """The signature of an address is valid for about an hour; a new address has to be asked for."""

    def __init__(self) -> None:
        super().__init__("the address of the file has expired")


class AddressRefused(FilesError):
    """The backend gave an address that is not followed, or one that redirects too often."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"an address that the backend gave can't be followed: {reason}")


class TransferRefused(FilesError):
    """The host of the bytes answered with `status` instead of taking or giving them."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the backend's storage answered with status {status}")
