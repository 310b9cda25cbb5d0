"""What can go wrong with pictures and files.

The tree::

    MediaError
    ├── Unusable            what was given cannot be used; the message is meant for whoever gave it
    │   ├── Malformed       no data URL, broken base64, a picture without a readable header
    │   ├── TooBig          in bytes or in pixels
    │   ├── WrongType       of a type that is not accepted here
    │   ├── UrlRefused      an address that is not fetched, whatever is there
    │   └── FetchFailed     the address did not deliver
    ├── StoreFailed         the disk is full, or the like
    └── NotStored           no such name, or no longer
        └── NotYetStored    reserved, and its bytes have not come yet

Messages are whole sentences. They never hold an address, since addresses can hold signatures, and never
a path of this machine.
"""


class MediaError(Exception):
    """Base of the family."""


class Unusable(MediaError):
    """What was given cannot be used."""


class Malformed(Unusable):
    """Not what it should be, whoever reads it."""


class TooBig(Unusable):
    """Above a limit."""


class WrongType(Unusable):
    """Of a type that is not accepted here."""


class UrlRefused(Unusable):
    """An address that is not fetched, whatever is there."""


class FetchFailed(Unusable):
    """The address did not deliver: unreachable, too slow, or an error status."""


class StoreFailed(MediaError):
    """The bytes could not be written; nothing of them is left."""


class NotStored(MediaError):
    """There is nothing under that name, or no longer."""


class NotYetStored(NotStored):
    """The name is reserved and its bytes are still on their way."""
