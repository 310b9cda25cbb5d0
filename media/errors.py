"""What can go wrong with pictures and files.

    MediaError
    |-- Unusable            what was given cannot be used; the message is meant for whoever gave it
    |   |-- Malformed       no data URL, broken base64, a picture without a readable header
    |   |-- TooBig          in bytes or in pixels
    |   |-- WrongType       of a type that is not accepted here
    |   |-- UrlRefused      an address that is not fetched, whatever is there
    |   `-- FetchFailed     the address did not deliver
    |-- StoreFailed         the disk is full, or the like
    `-- NotStored           there is no file of this name, or no longer
        `-- NotYetStored    the name is reserved, and its bytes have not come yet

Messages are whole sentences. They never hold an address, since addresses can hold signatures, and never
a path of this machine.
"""


class MediaError(Exception):
    """Base of the family."""


class Unusable(MediaError):
    """What was given cannot be used."""


class Malformed(Unusable):
    """It is not what it should be: no `data:` URL, no base64, or a picture without a readable header."""


class TooBig(Unusable):
    """It is above a limit of bytes or of pixels."""


class WrongType(Unusable):
    """It is of a type that is not accepted here."""


class UrlRefused(Unusable):
    """The address is not fetched, whatever is there."""


class FetchFailed(Unusable):
    """The address did not deliver: unreachable, too slow, or an error status."""


class StoreFailed(MediaError):
    """The bytes could not be written; nothing of them is left."""


class NotStored(MediaError):
    """There is no file of this name, or no longer."""


class NotYetStored(NotStored):
    """The name is reserved and its bytes are still on their way."""
